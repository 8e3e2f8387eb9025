"""A model as one file: figures and plain JSON, checked from end to end, and never anything that could run.

The file is a line that names the format and its version, the SHA-256 of what follows, and a zip of ``model.json`` and one
``.npy`` file per array. A file may come from a careless hand or a hostile one: every size is bounded before memory is taken.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from cases.classifiers.ngrams import Floats

MAX_BYTES = 256 * 1024 * 1024
"""Of the file, and of each part of it once unpacked."""

_NAME = b"countersign-text-model "
_VERSION = b"1"
_START = _NAME + _VERSION + b"\n"
_DIGEST = hashlib.sha256().digest_size
_HEADER = "model.json"
_LARGEST = 1e6
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same model gives the same bytes, whenever it is written


class ModelFileError(ValueError):
    """The bytes are no model that this version can read; the message says what is wrong with them."""


def pack(header: Mapping[str, Any], arrays: Mapping[str, Floats]) -> bytes:
    """The file of a header (fit for JSON) and its arrays."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(_entry(_HEADER), json.dumps(header, sort_keys=True, allow_nan=False))
        for name, array in arrays.items():
            archive.writestr(_entry(f"{name}.npy"), _array_bytes(array))
    content = body.getvalue()
    return _START + hashlib.sha256(content).digest() + content


def unpack(data: bytes, *, shapes: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, Floats]]:
    """The header and the arrays of a file; ``shapes`` names the arrays it must have and how many dimensions each.

    Raises: ModelFileError.
    """
    content = _checked(data)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _require_parts(archive, {_HEADER, *(f"{name}.npy" for name in shapes)})
            header = _read_header(_part(archive, _HEADER))
            return header, {name: _read_array(_part(archive, f"{name}.npy"), name, shapes[name]) for name in shapes}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, zlib.error) as error:
        raise ModelFileError(f"the model file cannot be unpacked: {error}") from error


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _array_bytes(array: Floats) -> bytes:
    written = io.BytesIO()
    np.lib.format.write_array(written, np.ascontiguousarray(array, dtype="<f4"), version=(1, 0), allow_pickle=False)
    return written.getvalue()


def _checked(data: bytes) -> bytes:
    """What stands behind the first line and the digest, which must be true."""
    if len(data) > MAX_BYTES:
        raise ModelFileError(f"the model file has {len(data)} bytes; at most {MAX_BYTES} are read")
    if not data.startswith(_NAME):
        raise ModelFileError("this is not a model file")
    if not data.startswith(_START):
        raise ModelFileError("the model file was written in another version of the format; train the model again")
    digest, content = data[len(_START) : len(_START) + _DIGEST], data[len(_START) + _DIGEST :]
    if hashlib.sha256(content).digest() != digest:
        raise ModelFileError("the model file is damaged or cut short: its checksum does not match")
    return content


def _require_parts(archive: zipfile.ZipFile, expected: set[str]) -> None:
    found = archive.namelist()
    if len(found) != len(expected) or set(found) != expected:
        raise ModelFileError(f"the model file must hold exactly {', '.join(sorted(expected))}")


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """One part, unpacked no further than is allowed, whatever size the archive claims for it."""
    with archive.open(name) as part:
        content = part.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ModelFileError(f"{name} in the model file is larger than {MAX_BYTES} bytes")
    return content


def _read_header(content: bytes) -> dict[str, Any]:
    try:
        header = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{_HEADER} in the model file is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise ModelFileError(f"{_HEADER} in the model file is not an object")
    return header


def _read_array(content: bytes, name: str, dimensions: int) -> Floats:
    """The array, once what it claims to be agrees with the bytes that are there."""
    source = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(source)
        shape, fortran, kind = np.lib.format.read_array_header_1_0(source)
    except ValueError as error:
        raise ModelFileError(f"{name} in the model file is no array: {error}") from error
    start = source.tell()
    if version != (1, 0) or fortran or kind != np.dtype("<f4") or len(shape) != dimensions:
        raise ModelFileError(f"{name} in the model file is not an array of {dimensions} dimensions of 32-bit numbers")
    if min(shape, default=0) < 0 or math.prod(shape) * 4 != len(content) - start:
        raise ModelFileError(f"{name} in the model file does not have the size it claims")
    array = np.frombuffer(content, dtype="<f4", offset=start).reshape(shape)
    if not (np.abs(array) <= _LARGEST).all():  # true of what is not a number, too
        raise ModelFileError(f"{name} in the model file holds values that no training yields")
    return array.astype(np.float32)
