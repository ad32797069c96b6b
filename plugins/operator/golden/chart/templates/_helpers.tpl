{{- /* Where the image comes from. */ -}}
{{- define "fleet-operator.image" -}}
{{- if .Values.image -}}
{{ .Values.image }}
{{- else -}}
{{ .Values.image_registry | default "localhost/harmony" | trimSuffix "/" }}/harmony-fleet-operator:{{ .Values.image_tag | default (printf "v%s" .Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{- /* The fleet's NATS server. */ -}}
{{- define "fleet-operator.nats-url" -}}
{{ .Values.nats_url | default (printf "nats://fleet-nats.%s.svc:4222" .Release.Namespace) }}
{{- end -}}

{{- /* What the operator reads. */ -}}
{{- define "fleet-operator.config" -}}
{{- if lt (int .Values.heartbeat_stale_after_s) (mul 2 (int .Values.heartbeat_interval_s) | int) -}}
{{- fail "heartbeat_stale_after_s: expected at least two heartbeat intervals: one late heartbeat must not make a device offline" -}}
{{- end -}}
[operator]
namespace = {{ .Release.Namespace | toJson }}
state_dir = "/var/lib/harmony"
health_address = "0.0.0.0"
health_port = 8080
heartbeat_interval_s = {{ int .Values.heartbeat_interval_s }}
heartbeat_stale_after_s = {{ int .Values.heartbeat_stale_after_s }}
log_level = {{ .Values.log_level | toJson }}

[nats]
urls = [{{ include "fleet-operator.nats-url" . | toJson }}]

[credentials]
type = "toml-shared"
file = "/etc/harmony/credentials/credentials.toml"

[resources]
store = "kubernetes"

[kubernetes]
devices = {{ .Values.device_resources }}
lease = "harmony-fleet-operator"
{{ end -}}
