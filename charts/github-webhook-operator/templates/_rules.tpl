{{/* Written by `make chart` from config/rbac/role.yaml. */}}
{{- define "github-webhook-operator.rules" -}}
- apiGroups:
  - ""
  resources:
  - namespaces
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - get
  - list
  - watch
- apiGroups:
  - events.k8s.io
  resources:
  - events
  verbs:
  - create
- apiGroups:
  - github-webhooks.dev
  resources:
  - appwebhookconfigs
  verbs:
  - list
  - watch
- apiGroups:
  - github-webhooks.dev
  resources:
  - appwebhookconfigs/status
  - organizationwebhooks/status
  - repositorywebhooks/status
  verbs:
  - patch
- apiGroups:
  - github-webhooks.dev
  resources:
  - organizationwebhooks
  - repositorywebhooks
  verbs:
  - get
  - list
  - patch
  - watch
{{- end }}
