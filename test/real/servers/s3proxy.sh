#!/usr/bin/env bash
# S3Proxy on a file system: 501 to every PUT with an x-amz-checksum, as ours have; without one it takes If-None-Match,
# but lets several of a race win. The probe must refuse it. usage: see ../install.ts
set -euo pipefail
case $1 in
  install)
    cat >"$2/pom.xml" <<'POM'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>logcask.test</groupId><artifactId>s3proxy</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.gaul</groupId><artifactId>s3proxy</artifactId><version>3.0.0</version></dependency>
  </dependencies>
</project>
POM
    mvn -q -B -f "$2/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$2/lib"
    ;;
  start)
    mkdir -p "$3/data"
    cat >"$3/s3proxy.properties" <<P
s3proxy.endpoint=http://127.0.0.1:$4
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity=test
s3proxy.credential=testtest1
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=$3/data
P
    exec java -cp "$2/lib/*" org.gaul.s3proxy.Main --properties "$3/s3proxy.properties"
    ;;
esac
