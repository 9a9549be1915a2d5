"""Stopping without cutting off who is on the way in (OPS-6).

A client that has connected may have sent its request before the server knows of either. When the
listening socket closes, what waits in its queue is reset, and a proxy may not send a POST again.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import uvicorn
from uvicorn.supervisors import Multiprocess, multiprocess

from lacewing.kernel.web.protocol import ProblemProtocol


class DrainingServer(uvicorn.Server):
    """Takes in everyone who has connected, and only then listens no more."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        doors = [
            socket.socket(fileno=socket.dup(listener.fileno()))
            for server in self.servers
            for listener in server.sockets
        ]
        for listening in (*self.servers, *(sockets or ())):
            # The loop looks no more; through the copies the kernel goes on listening.
            listening.close()
        arrived = [each for door in doors for each in _empty(door)]
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, ProblemProtocol):
                # What is asked while the others are taken in is the last already.
                connection.shutdown()
        for each in arrived:
            await self._take_in(each)
        await super().shutdown(sockets)

    async def _take_in(self, connection: socket.socket) -> None:
        def protocol() -> asyncio.Protocol:
            return self.config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn has it
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
            )

        with suppress(OSError):  # it has gone meanwhile
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)


class DrainingProcess(multiprocess.Process):
    """One of several that share a listening socket: the last of them to stop empties its queue."""

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


multiprocess.Process = DrainingProcess  # type: ignore[misc]  # no other way to say of what kind


class DrainingProcesses(Multiprocess):
    """Several that take in everyone who has connected before they stop."""

    def terminate_all(self) -> None:
        # Else the kernel would let people in through this process, which answers nobody.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


ACCEPTED_MAX: Final = 4_096
"""More than a queue holds; a flood must not keep the door open."""


def _empty(door: socket.socket) -> Iterator[socket.socket]:
    """Everyone who waits at ``door``; then it is closed, with nothing done in between."""
    with door:
        door.setblocking(False)
        for _ in range(ACCEPTED_MAX):
            try:
                connection, _address = door.accept()
            except BlockingIOError:
                return
            except OSError:  # one that has gone again, or no more files
                continue
            connection.setblocking(False)
            yield connection
