{{/* The chart's name in labels and names. */}}
{{- define "github-webhook-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of all objects: 45 characters leave room for the longest suffix. */}}
{{- define "github-webhook-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $full .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- end }}

{{- define "github-webhook-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "github-webhook-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "github-webhook-operator.labels" -}}
{{ include "github-webhook-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "github-webhook-operator.serviceAccountName" -}}
{{- $made := .Values.serviceAccount.create | ternary (include "github-webhook-operator.fullname" .) "default" }}
{{- default $made .Values.serviceAccount.name }}
{{- end }}

{{/* The one subject of all bindings. */}}
{{- define "github-webhook-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "github-webhook-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "github-webhook-operator.leaderElectionNamespace" -}}
{{- default .Release.Namespace .Values.leaderElection.namespace }}
{{- end }}

{{/* The Lease, whose name says which objects the operator looks after: main.go computes the same. */}}
{{- define "github-webhook-operator.lease" -}}
{{- $objects := .Values.watchLabelSelector }}
{{- with .Values.watchNamespaces }}
{{- $objects = printf "%s\n%s" $objects (. | sortAlpha | join ",") }}
{{- end }}
{{- $objects | empty | ternary "github-webhook-operator" (printf "github-webhook-operator-%s" (sha256sum $objects | trunc 8)) }}
{{- end }}

{{/* The address of the metrics Service, as its certificate has it. */}}
{{- define "github-webhook-operator.metricsHost" -}}
{{ include "github-webhook-operator.fullname" . }}-metrics.{{ .Release.Namespace }}.svc
{{- end }}

{{/* The Secret with the certificate for metrics. Empty: the operator signs its own. */}}
{{- define "github-webhook-operator.metricsCertificate" -}}
{{- if and .Values.metrics.enabled .Values.metrics.secure }}
{{- $made := .Values.metrics.certificate.certManager.enabled | ternary (printf "%s-metrics-tls" (include "github-webhook-operator.fullname" .)) "" }}
{{- default $made .Values.metrics.certificate.secretName }}
{{- end }}
{{- end }}

{{- define "github-webhook-operator.metricsCertificatePath" -}}
/etc/github-webhook-operator/metrics
{{- end }}

{{/* Whether Prometheus gets a token of a ServiceAccount that the chart makes. */}}
{{- define "github-webhook-operator.makesMetricsToken" -}}
{{- with .Values.metrics }}
{{- if and .enabled .secure .serviceMonitor.enabled (not .serviceMonitor.credentials.secretName) }}true{{ end }}
{{- end }}
{{- end }}

{{- define "github-webhook-operator.image" -}}
{{- $image := .Values.image }}
{{- if and (eq .Chart.AppVersion "dev") (or (empty $image.repository) (and (empty $image.tag) (empty $image.digest))) }}
{{- fail (print
      "This chart comes from the development tree, and nobody publishes an image for it. Build one and push it, with " "`make docker-build docker-push IMG=registry.example.com/github-webhook-operator:dev`" ", or load it into a kind cluster, with " "`make kind-load`" ". Then name it: --set image.repository=… --set image.tag=… (kind: image.repository=ghcr.io/github-webhooks/github-webhook-operator and image.tag=dev). The chart of a release names its image itself.") }}
{{- end }}
{{- $repository := default "ghcr.io/github-webhooks/github-webhook-operator" $image.repository }}
{{- $tagged := printf "%s:%s" $repository (default .Chart.AppVersion $image.tag) }}
{{- $image.digest | empty | ternary $tagged (printf "%s@%s" $repository $image.digest) }}
{{- end }}

{{/* The operator's flags, in the order of its documentation. */}}
{{- define "github-webhook-operator.args" -}}
- --namespace=$(POD_NAMESPACE)
- {{ printf "--github-hosts=%s" (join "," .Values.githubHosts) | quote }}
{{- if .Values.receiverBodyInEvents }}
- --receiver-body-in-events
{{- end }}
- --default-interval={{ .Values.defaultInterval }}
{{- with .Values.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
{{- with .Values.watchLabelSelector }}
- {{ printf "--watch-label-selector=%s" . | quote }}
{{- end }}
- --max-concurrent-reconciles={{ .Values.maxConcurrentReconciles }}
- --metrics-bind-address={{ .Values.metrics.enabled | ternary (printf ":%v" .Values.metrics.port) "0" }}
{{- if not .Values.metrics.secure }}
- --metrics-secure=false
{{- end }}
{{- if include "github-webhook-operator.metricsCertificate" . }}
- --metrics-cert-path={{ include "github-webhook-operator.metricsCertificatePath" . }}
{{- end }}
- --health-probe-bind-address=:{{ .Values.health.port }}
- --leader-elect={{ .Values.leaderElection.enabled }}
{{- with .Values.leaderElection.namespace }}
- --leader-election-namespace={{ . }}
{{- end }}
{{- include "github-webhook-operator.logArgs" .Values.log }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{- define "github-webhook-operator.logArgs" }}
{{- if .development }}
- --zap-devel
{{- end }}
{{- with .encoder }}
- --zap-encoder={{ . }}
{{- end }}
{{- with .level }}
- --zap-log-level={{ . }}
{{- end }}
{{- with .stacktraceLevel }}
- --zap-stacktrace-level={{ . }}
{{- end }}
{{- with .timeEncoding }}
- --zap-time-encoding={{ . }}
{{- end }}
{{- end }}
