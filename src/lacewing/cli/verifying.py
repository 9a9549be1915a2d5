"""Whether a backup is whole: every piece is read, and compared with the manifest at its end."""

import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from lacewing.kernel.backup.archive import FORMAT, MANIFEST, Archive, Manifest, Piece, TableSum
from lacewing.kernel.backup.errors import NotABackup

_PLAIN_KEY: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class _Found:
    """What the pieces were, as they were read."""

    def __init__(self) -> None:
        self.tables: dict[str, TableSum] = {}
        self.keys: dict[str, str] = {}
        self.names = TableSum()
        self.files_bytes = 0
        self.damaged: list[str] = []

    def take(self, piece: Piece) -> None:
        match piece.kind:
            case "tables":
                total = self.tables.setdefault(piece.table, TableSum())
                for line in piece.lines():
                    total.add(line)
            case "keys":
                if not set(piece.key) <= _PLAIN_KEY or piece.key.startswith("."):
                    raise NotABackup(f"{piece.name} is no name of a key.")
                self.keys[piece.key] = hashlib.sha256(piece.read()).hexdigest()
            case "files":
                self._take_file(piece)
            case _:
                raise NotABackup(f"{piece.name} is nothing that we write.")

    def _take_file(self, piece: Piece) -> None:
        sha256 = hashlib.sha256()
        for chunk in piece.chunks():
            sha256.update(chunk)
            self.files_bytes += len(chunk)
        self.names.add_name(piece.key.encode())
        found = sha256.hexdigest()
        if found != piece.key:
            self.damaged.append(piece.key)

    def compare(self, manifest: Manifest) -> None:
        """Raises ``NotABackup`` with the first thing that is not as it was written."""
        for name, total in manifest.tables.items():
            if self.tables.get(name, TableSum()) != total:
                raise NotABackup(f"The rows of {name} are not those that were written.")
        if not self.tables.keys() <= manifest.tables.keys():
            raise NotABackup("There are tables that the manifest does not know.")
        if self.keys != manifest.keys:
            raise NotABackup("The keys are not those that were written.")
        found = (self.names.rows, self.names.checksum, self.files_bytes)
        if found != (manifest.files, manifest.files_checksum, manifest.files_bytes):
            raise NotABackup("The files are not those that were written.")
        if self.damaged != manifest.damaged:
            raise NotABackup(f"The file {self.damaged[0] if self.damaged else ''} was changed.")


def verify(archive: Archive, tell: Callable[[str, int], None]) -> Manifest:
    """Read the whole archive; its manifest, once all is as that says.

    Raises:
        NotABackup: saying what is not.
    """
    header = archive.header()
    found = _Found()
    manifest: Manifest | None = None
    for count, piece in enumerate(archive.pieces()):
        if manifest is not None:
            raise NotABackup("There is something after its manifest.")
        if piece.name == MANIFEST:
            manifest = _manifest_of(piece)
        else:
            found.take(piece)
        tell("pieces", count)
    if manifest is None:
        raise NotABackup("It has no manifest: it is cut off.")
    if (manifest.format, manifest.schema) != (FORMAT, header.schema):
        raise NotABackup("Its manifest is of another backup.")
    found.compare(manifest)
    return manifest


def _manifest_of(piece: Piece) -> Manifest:
    try:
        return msgspec.json.decode(piece.read(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise NotABackup("Its manifest can't be read.") from error
