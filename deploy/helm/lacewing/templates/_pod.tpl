{{- /*
What the pods of server, worker and migration have in common. Given: root, component, args, resources,
grace (seconds), and of the first two their values as own.
*/ -}}
{{- define "lacewing.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "lacewing.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "lacewing.ownConfiguration" -}}
{{- include "lacewing.configuration" (dict "root" . "own" (include "lacewing.ownVariables" . | fromJsonArray)) | trim }}
{{- end }}

{{- define "lacewing.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "lacewing.fullname" . }}
{{- end }}

{{- /* What is secret, a file a variable. Given: root, name of the chart's own Secret, own names of its variables. */ -}}
{{- define "lacewing.secretsVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- with .own }}
      - secret:
          name: {{ $.name }}
          items:
            {{- range . }}
            - {key: {{ . }}, path: {{ . }}}
            {{- end }}
      {{- end }}
      {{- with include "lacewing.theirVariables" .root | fromJsonArray }}
      - secret:
          name: {{ $.root.Values.secrets.existingSecret }}
          items:
            {{- range . }}
            - {key: {{ . }}, path: {{ . }}}
            {{- end }}
      {{- end }}
{{- end }}

{{- define "lacewing.mounts" -}}
volumeMounts:
  - name: data
    mountPath: /data
  - name: tmp
    mountPath: /tmp
  - name: secrets
    mountPath: /secrets
    readOnly: true
  {{- if ne .Values.keys.source "volume" }}
  - name: keys
    mountPath: /keys
    readOnly: true
  {{- end }}
{{- end }}

{{- define "lacewing.volumes" -}}
{{- $own := include "lacewing.ownVariables" . | fromJsonArray }}
{{ include "lacewing.secretsVolume" (dict "root" . "name" (include "lacewing.fullname" .) "own" $own) }}
- name: data
  {{- if include "lacewing.hasVolume" . }}
  persistentVolumeClaim:
    claimName: {{ include "lacewing.claimName" . }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ .Values.scratch.sizeLimit }}
  {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 512Mi
{{- if ne .Values.keys.source "volume" }}
- name: keys
  secret:
    secretName: {{ include "lacewing.keysSecretName" . }}
    defaultMode: 0440
{{- end }}
{{- end }}

{{- /* Restarted when what the values say of the environment changes; the program notices new keys by itself. */ -}}
{{- define "lacewing.podMetadata" -}}
labels:
  {{- include "lacewing.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
annotations:
  checksum/configuration: {{ include "lacewing.ownConfiguration" .root | sha256sum }}
  checksum/secrets: {{ include "lacewing.givenSecrets" .root | sha256sum }}
  {{- with .own.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "lacewing.placement" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "lacewing.podSpec" -}}
serviceAccountName: {{ include "lacewing.serviceAccountName" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .own.terminationGracePeriodSeconds }}
securityContext:
  {{- include "lacewing.podSecurity" .root | nindent 2 }}
{{- with include "lacewing.placement" . }}
{{ . | trim }}
{{- end }}
topologySpreadConstraints:
  {{- range $topology := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $topology }}
    whenUnsatisfiable: {{ $.root.Values.topologySpread.whenUnsatisfiable }}
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "lacewing.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
  {{- end }}
{{- if and (eq .component "server") (eq .root.Values.database.kind "sqlite") .root.Values.migration.enabled }}
# SQLite's file can't be opened by a job while the pod of before still has its volume.
initContainers:
  - name: migrate
    image: {{ include "lacewing.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: [db, upgrade]
    securityContext:
      {{- include "lacewing.containerSecurity" .root | nindent 6 }}
    {{- include "lacewing.environment" .root | nindent 4 }}
    resources:
      {{- toYaml .root.Values.migration.resources | nindent 6 }}
    {{- include "lacewing.mounts" .root | nindent 4 }}
{{- end }}
containers:
  - name: {{ .component }}
    image: {{ include "lacewing.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{ toJson .args }}
    securityContext:
      {{- include "lacewing.containerSecurity" .root | nindent 6 }}
    {{- include "lacewing.environment" .root | nindent 4 }}
    ports:
      - name: http
        containerPort: 8000
        protocol: TCP
    startupProbe:
      httpGet: {path: /health/live, port: http}
      periodSeconds: 2
      timeoutSeconds: 2
      failureThreshold: 60
    livenessProbe:
      httpGet: {path: /health/live, port: http}
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 3
    # Without Redis requests are served, only by pods that would all be taken out at once if this asked for it.
    readinessProbe:
      httpGet: {path: "/health/ready{{ if .root.Values.redis.enabled }}?exclude=redis{{ end }}", port: http}
      periodSeconds: 5
      timeoutSeconds: 5
      failureThreshold: 2
    {{- with .drainSeconds }}
    lifecycle:
      preStop:
        sleep:
          seconds: {{ . }}
    {{- end }}
    resources:
      {{- toYaml .own.resources | nindent 6 }}
    {{- include "lacewing.mounts" .root | nindent 4 }}
volumes:
  {{- include "lacewing.volumes" .root | trim | nindent 2 }}
{{- end }}
