#!/usr/bin/env python3
"""Reads a Logcask bucket (format v1): an independent reader of under 100 lines, after docs/format.md.

reader.py ls  BUCKET [HOST]            streams: bytes, state, host, stream, path
reader.py cat BUCKET HOST STREAM       the bytes of one stream, to stdout; checked against its seal

BUCKET: a directory (file://), or s3://NAME/PREFIX/ (needs botocore; AWS_ENDPOINT_URL for other stores).
"""
import hashlib, json, os, re, sys

EMPTY = hashlib.sha256(b"").hexdigest()


class Directory:
    def __init__(self, root):
        self.root = root

    def list(self, prefix):  # -> keys, in the order of their bytes
        found = []
        for at, dirs, files in os.walk(os.path.join(self.root, prefix)):
            dirs[:] = [d for d in dirs if not d.startswith(".")]
            found += [os.path.relpath(os.path.join(at, f), self.root) for f in files if not f.startswith(".")]
        return sorted(found)

    def get(self, key):
        with open(os.path.join(self.root, key), "rb") as file:
            return file.read()

    def metadata(self, key):
        at, name = os.path.split(os.path.join(self.root, key))
        path = os.path.join(at, ".meta", name, hashlib.sha256(self.get(key)).hexdigest())
        return json.load(open(path))["metadata"] if os.path.exists(path) else {}


class S3:
    def __init__(self, url):
        import botocore.session
        self.bucket, _, self.prefix = url[len("s3://"):].partition("/")
        self.client = botocore.session.get_session().create_client("s3")

    def list(self, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + prefix)
        return sorted(entry["Key"][len(self.prefix):] for page in pages for entry in page.get("Contents", []))

    def get(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)["Body"].read()

    def metadata(self, key):
        return self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)["Metadata"]


def chain(bucket, host, stream):
    """The segments in order: at each end the one with that offset and the hash of the 4 KiB before it."""
    names = {key.rsplit("/", 1)[1]: key for key in bucket.list(f"segments/{host}/{stream}/")}
    offset, window = 0, b""
    while True:
        key = names.get(f"{offset:020d}-{hashlib.sha256(window).hexdigest()[:16]}")
        if key is None:
            return
        body = bucket.get(key)
        yield key, body
        offset, window = offset + len(body), (window + body)[-4096:]


def describe(bucket, host, stream):
    length, digest, origin, seals = 0, hashlib.sha256(), {}, []
    for key, body in chain(bucket, host, stream):
        if length == 0:
            first = bucket.metadata(key)
            origin = json.loads(first.get("origin", "{}"))
            seals = [(len(body), first["final"])] if "final" in first else []
        length += len(body)
        digest.update(body)
    for key in bucket.list(f"seals/{host}/{stream}/"):
        sealed, sha256 = key.rsplit("/", 1)[1].split("-")
        seals.append((int(sealed), sha256))
        origin = origin or json.loads(bucket.get(key))["origin"]
    gaps = [key.rsplit("/", 1)[1] for key in bucket.list(f"gaps/{host}/{stream}/")]
    lost = [g for g in gaps if json.loads(bucket.get(f"gaps/{host}/{stream}/{g}"))["reason"] != "diverged"]
    lost = [g for g in lost if int(g[:20]) > max([-1] + [sealed for sealed, _ in seals])]
    complete = (length, digest.hexdigest()) in seals
    return length, "sealed" if complete else "gap" if lost else "open", origin


def main(command, url, *rest):
    bucket = S3(url) if url.startswith("s3://") else Directory(re.sub("^file://", "", url))
    if command == "cat":
        for _, body in chain(bucket, *rest):
            sys.stdout.buffer.write(body)
        return
    streams = {tuple(key.split("/")[1:3]) for room in ("segments", "seals") for key in bucket.list(f"{room}/" + "".join(f"{h}/" for h in rest))}
    for host, stream in sorted(streams):
        length, state, origin = describe(bucket, host, stream)
        print(length, state, host, stream, json.dumps(origin.get("path")), sep="\t")


main(*sys.argv[1:]) if len(sys.argv) > 2 else sys.exit(__doc__)
