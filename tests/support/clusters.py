"""As much of Kubernetes' API as Helm asks before it changes anything: what there is, and this one.

A stand-in for what can't be had here. It keeps no rules of its own: it knows kinds, and gives back
the very objects that it was given.
"""

import json
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Object = dict[str, Any]

KINDS = {
    "v1": ("ConfigMap", "PersistentVolumeClaim", "Pod", "Secret", "Service", "ServiceAccount"),
    "apps/v1": ("Deployment",),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "batch/v1": ("Job",),
    "monitoring.coreos.com/v1": ("PodMonitor", "PrometheusRule"),
    "networking.k8s.io/v1": ("Ingress", "NetworkPolicy"),
    "policy/v1": ("PodDisruptionBudget",),
}
PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}


def plural(kind: str) -> str:
    return PLURALS.get(kind, f"{kind.lower()}s")


def path_of(thing: Object) -> str:
    root = "/api" if thing["apiVersion"] == "v1" else "/apis"
    meta = thing["metadata"]
    return (
        f"{root}/{thing['apiVersion']}/namespaces/{meta['namespace']}"
        f"/{plural(thing['kind'])}/{meta['name']}"
    )


def _discovery() -> dict[str, Object]:
    answers: dict[str, Object] = {
        "/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
    }
    groups = []
    for version, kinds in KINDS.items():
        resources = [
            {"name": plural(kind), "singularName": "", "namespaced": True, "kind": kind,
             "verbs": ["get", "list", "create", "patch"]}
            for kind in kinds
        ]  # fmt: skip
        answer = {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
        answers[f"/api/{version}" if version == "v1" else f"/apis/{version}"] = answer
        group, _, number = version.rpartition("/")
        if group:
            entry = {"groupVersion": version, "version": number}
            groups.append({"name": group, "versions": [entry], "preferredVersion": entry})
    answers["/apis"] = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    return answers


@contextmanager
def cluster_with(things: Iterable[Object], folder: Path) -> Generator[dict[str, str]]:
    """The environment by which Helm finds a cluster that has ``things``."""
    answers = _discovery() | {path_of(each): each for each in things}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path.partition("?")[0])
            missing = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
            body = json.dumps(found or {**missing, "apiVersion": "v1"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing: a test that fails shows what Helm said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        file = folder / "kubeconfig"
        file.write_text(_kubeconfig(server.server_port), encoding="utf-8")
        yield {"KUBECONFIG": str(file), "HOME": str(folder)}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _kubeconfig(port: int) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "me", "user": {}}],
        }
    )
