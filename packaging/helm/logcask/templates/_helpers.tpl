{{- define "logcask.name" -}}
{{- $name := printf "%s-%s" .Release.Name .Chart.Name }}
{{- if contains .Chart.Name .Release.Name }}{{ $name = .Release.Name }}{{ end }}
{{- $name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "logcask.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "logcask.labels" -}}
{{ include "logcask.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "logcask.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* The agent's configuration. The node's name comes from the environment, when the agent reads it. */ -}}
{{- define "logcask.config" -}}
{{- $found := "/(?<namespace>[^_/]+)_(?<pod>[^_/]+)_(?<uid>[^_/]+)/(?<container>[^/]+)/[^/]+$" }}
{{- $pods := dict "name" "pods" "include" .Values.pods.include "exclude" .Values.pods.exclude "followSymlinks" .Values.pods.followSymlinks "labelsFrom" $found }}
{{- if .Values.pods.labels }}{{ $_ := set $pods "labels" .Values.pods.labels }}{{ end }}
{{- $own := dict "host" "${NODE_NAME}" "state" "/var/lib/logcask" "sources" (prepend .Values.extraSources $pods) "destinations" .Values.destinations }}
{{- toYaml (merge $own (deepCopy .Values.settings)) }}
{{- end }}
