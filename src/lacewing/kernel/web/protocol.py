"""The HTTP/1.1 protocol of the server: what cannot even be parsed gets a problem document too."""

from uuid import uuid4

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lacewing.kernel.web.problems import PROBLEM_JSON, Problem


class ProblemProtocol(HttpToolsProtocol):
    """Answers bytes that are no HTTP request with 400 and closes (SEC-6, API-3, API-10)."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the base class names it
        request_id = str(uuid4())
        detail = "These bytes are no HTTP/1.1 request."
        problem = Problem("malformed-request", detail, 400, detail, "", request_id)
        body = msgspec.json.encode(problem)
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {PROBLEM_JSON}\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
            "x-content-type-options: nosniff\r\ncache-control: no-store\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
