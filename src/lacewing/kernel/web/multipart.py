"""One file in a form, read as it comes (RFC 7578): never more of it in memory than one chunk."""

from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from lacewing.kernel.errors import FieldError, Invalid, Malformed, invalid_field
from lacewing.kernel.web.problems import UnsupportedMediaType

MULTIPART: Final = "multipart/form-data"
OVERHEAD_BYTES: Final = 64 * 1024
"""What a form may have beside its file: boundaries, headers, fields."""
FIELDS_MAX: Final = 10
FIELD_BYTES_MAX: Final = 4 * 1024
BOUNDARY_LENGTH_MAX: Final = 70
"""RFC 2046, section 5.1.1."""


class MalformedForm(Malformed):
    code = "malformed-form"
    title = "The body is no multipart/form-data (RFC 7578)."


class Sink(Protocol):
    """Takes the file."""

    def write(self, chunk: bytes) -> None:
        """The next bytes; raises a refusal when there are too many, or no room."""


class Form:
    """What stood in the form beside the bytes of the file."""

    def __init__(self) -> None:
        self.filename: str | None = None
        self.fields: dict[str, str] = {}


async def read_form(request: Request, file_field: str, sink: Sink) -> Form:
    """Read the whole form; the file goes to ``sink`` as it comes.

    Raises:
        UnsupportedMediaType: the body is of another type.
        MalformedForm: it is cut off, or none.
        Invalid: the file is missing or not alone, a field is repeated, too long, or no UTF-8.
    """
    reader = _Reader(_boundary(request), file_field, sink)
    await reader.read(request.stream())
    if reader.form.filename is None:
        raise invalid_field("body", file_field, "is missing: send one file in it", "missing")
    return reader.form


def _boundary(request: Request) -> bytes:
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type != MULTIPART.encode():
        raise UnsupportedMediaType(f"This operation takes {MULTIPART}.")
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= BOUNDARY_LENGTH_MAX:
        raise MalformedForm("Its `Content-Type` names no boundary.")
    return boundary


class _Reader:
    """Turns the parser's calls into a ``Form``."""

    def __init__(self, boundary: bytes, file_field: str, sink: Sink) -> None:
        self.form = Form()
        self._file_field = file_field
        self._sink = sink
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = b""
        self._name = ""
        self._is_file = False
        self._value = bytearray()
        self._is_whole = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_header_name,
                "on_header_value": self._add_header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._add_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    async def read(self, chunks: AsyncIterator[bytes]) -> None:
        try:
            async for chunk in chunks:
                self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedForm from error
        if not self._is_whole:
            raise MalformedForm("The form is cut off.")

    def _begin_part(self) -> None:
        self._disposition = b""
        self._value.clear()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        self._name = _decoded(options.get(b"name", b""), "name")
        if not self._name or len(self._name) > FIELD_BYTES_MAX:
            raise MalformedForm("A part of the form has no name, or one that is too long.")
        self._is_file = self._name == self._file_field
        if self._is_file:
            if self.form.filename is not None:
                raise invalid_field("body", self._name, "may be given only once", "repeated")
            if b"filename" not in options:
                raise invalid_field("body", self._name, "must be a file with a name", "no_file")
            self.form.filename = _decoded(options[b"filename"], self._name)
        elif b"filename" in options:
            raise invalid_field("body", self._name, "must be no file", "unexpected_file")
        elif self._name in self.form.fields:
            raise invalid_field("body", self._name, "may be given only once", "repeated")
        elif len(self.form.fields) >= FIELDS_MAX:
            error = FieldError(["body"], f"has more than {FIELDS_MAX} fields", "too_many_fields")
            raise Invalid(error)

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        chunk = data[start:end]
        if self._is_file:
            self._sink.write(chunk)
            return
        self._value += chunk
        if len(self._value) > FIELD_BYTES_MAX:
            raise invalid_field(
                "body", self._name, f"must have at most {FIELD_BYTES_MAX} bytes", "too_long"
            )

    def _end_part(self) -> None:
        if not self._is_file:
            self.form.fields[self._name] = _decoded(bytes(self._value), self._name)

    def _end(self) -> None:
        self._is_whole = True


def _decoded(raw: bytes, field: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise invalid_field("body", field[:100], "must be UTF-8", "utf8") from None


def form_schema(file_field: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The request body of such an operation, for its OpenAPI document."""
    return {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "properties": {
                        file_field: {"type": "string", "format": "binary"},
                        **fields,
                    },
                    "required": [file_field],
                    "additionalProperties": False,
                }
            }
        },
    }
