// The parts of the chart that people read, and its helpers.
#pragma once

namespace harmony::fleet_operator {

// Of Helm: what is not part of a package.
inline constexpr const char* kHelmIgnore = ".harmony-rendered.json\n.git/\n*.tgz\n";

// `fleet-operator.config` is put between the two.
inline constexpr const char* kHelpersBegin = R"({{- /* Where the image comes from. */ -}}
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
)";

inline constexpr const char* kNotes =
    R"(The fleet's operator is installed in the namespace {{ .Release.Namespace }}.

It starts once the Secret {{ .Values.credentials_secret }} is there, with the key credentials.toml.

  kubectl -n {{ .Release.Namespace }} rollout status deployment/fleet-operator
  kubectl -n {{ .Release.Namespace }} get fleetdep
  kubectl get fleetdev

An uninstall leaves the definitions of Deployment and Device, and with them every resource of these kinds.
)";

inline constexpr const char* kReadme = R"(# harmony-fleet-operator

The operator of a Harmony fleet: it turns `Deployment` resources into each device's desired state. Written by
`harmony chart FleetOperatorScore`; the objects are those that `harmony apply` would apply. Do not edit the files:
the next `harmony chart` into this folder would refuse to overwrite them. Put your own values into a file beside them
and give it with `--values`.

## Before

- Helm 3 and Kubernetes 1.20 or newer.
- The fleet's NATS server, in the same namespace as the Service `fleet-nats` or wherever `nats_url` says.
- A Secret with the operator's credentials, in the namespace of the release. A repository is no place for it, so the
  chart only names it (`credentials_secret`). Its key `credentials.toml` holds:

  ```toml
  nats_user = "operator"
  nats_pass = "..."
  ```

## Install, upgrade, uninstall

```text
helm install fleet-operator . --namespace fleet-system --create-namespace
helm upgrade fleet-operator . --namespace fleet-system
helm uninstall fleet-operator --namespace fleet-system
```

One release in a namespace: the names of its objects are fixed. `crds/` is installed once; Helm neither upgrades nor
deletes it. After an update of this chart that changes the definitions, `kubectl apply --server-side -f crds/`.

## Values

)";

}  // namespace harmony::fleet_operator
