"""Model files: what is written is read back, and nothing else is."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from cases.classifiers import model_file
from cases.classifiers.text_model import ModelFileError, TextModel
from tests.letters import examples


@pytest.fixture(scope="module")
def model() -> TextModel:
    return TextModel.fit(*examples(), seed=1)


def remade(data: bytes, **parts: bytes | None) -> bytes:
    """A model file with parts replaced, left out or added, under a checksum that is true."""
    start = len(model_file._START) + model_file._DIGEST
    with zipfile.ZipFile(io.BytesIO(data[start:])) as archive:
        content: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    content |= {name.replace("__", "."): part for name, part in parts.items()}
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in content.items():
            if part is not None:
                archive.writestr(name, part)
    return sealed(body.getvalue())


def sealed(content: bytes) -> bytes:
    return model_file._START + hashlib.sha256(content).digest() + content


def header(model: TextModel, **changes: object) -> bytes:
    start = len(model_file._START) + model_file._DIGEST
    with zipfile.ZipFile(io.BytesIO(model.dumps()[start:])) as archive:
        return json.dumps(json.loads(archive.read("model.json")) | changes).encode()


def array(values: object, kind: str = "<f4") -> bytes:
    written = io.BytesIO()
    np.save(written, np.asarray(values, dtype=kind))
    return written.getvalue()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x04\x95pickle", b"{}", b"countersign", b"\x00" * 1_000])
def test_foreign_bytes_are_no_model_file(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="not a model file"):
        TextModel.loads(data)


def test_a_file_of_another_version_says_so(model: TextModel) -> None:
    with pytest.raises(ModelFileError, match="another version"):
        TextModel.loads(model.dumps().replace(b"model 1\n", b"model 2\n", 1))


def test_a_file_cut_short_or_changed_anywhere_is_refused(model: TextModel) -> None:
    data = model.dumps()
    for size in (30, 60, len(data) // 2, len(data) - 1):
        with pytest.raises(ModelFileError, match="damaged or cut short"):
            TextModel.loads(data[:size])
    for at in range(30, len(data), len(data) // 50):
        with pytest.raises(ModelFileError, match="damaged"):
            TextModel.loads(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_hostile_parts_under_a_true_checksum_are_refused(model: TextModel) -> None:
    data, width, labels = model.dumps(), len(model.vocabulary.numbers), len(model.labels)
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    huge = array([0.0] * 8).replace(b"(8,)", b"(8888888888888,)").replace(b" " * 13 + b"\n", b"\n", 1)
    cases: list[tuple[dict[str, bytes | None], str]] = [
        ({"model__json": b"[" * 100_000}, "not JSON"),
        ({"model__json": b"not json"}, "not JSON"),
        ({"model__json": b"[]"}, "not an object"),
        ({"model__json": None}, "must hold exactly"),
        ({"evil__pkl": b"x"}, "must hold exactly"),
        ({"idf__npy": b"nothing like it"}, "no array"),
        ({"idf__npy": pickled.getvalue()}, "32-bit numbers"),
        ({"idf__npy": array([0.0] * width, "<f8")}, "32-bit numbers"),
        ({"idf__npy": array([[0.0]])}, "1 dimensions"),
        ({"idf__npy": huge}, "array|size"),
        ({"idf__npy": array([0.0] * width)[:-4]}, "size it claims"),
        ({"idf__npy": array([np.nan] * width)}, "no training yields"),
        ({"idf__npy": array([3e38] * width)}, "no training yields"),
        ({"idf__npy": array([0.0] * (width + 1))}, "fit each other"),
        ({"weights__npy": array(np.zeros((width, labels + 1)))}, "do not fit its weights"),
        ({"bias__npy": array([0.0] * (labels + 1))}, "fit each other"),
        ({"model__json": header(model, labels=["a", "b", 3])}, "labels .* not a list of texts"),
        ({"model__json": header(model, labels=["a", "a", "b"])}, "labels .* repeats"),
        ({"model__json": header(model, features=["x"] * width)}, "features .* repeats"),
        ({"model__json": header(model, features=["x"])}, "do not fit"),
        ({"model__json": header(model, temperature=0)}, "temperature"),
        ({"model__json": header(model, temperature=float("nan"))}, "temperature"),
        ({"model__json": header(model, temperature=True)}, "temperature"),
        ({"model__json": header(model, ceiling=1.7)}, "ceiling"),
        ({"model__json": header(model, scope_mark="high")}, "scope_mark"),
    ]
    for parts, told in cases:
        with pytest.raises(ModelFileError, match=told):
            TextModel.loads(remade(data, **parts))


def test_a_zip_that_lies_or_is_none_is_refused() -> None:
    with pytest.raises(ModelFileError, match="cannot be unpacked"):
        TextModel.loads(sealed(b"no zip at all"))


def test_a_zip_bomb_is_unpacked_no_further_than_the_limit(model: TextModel, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = remade(model.dumps(), idf__npy=b"\x00" * 20_000_000)
    monkeypatch.setattr(model_file, "MAX_BYTES", 2_000_000)
    assert len(bomb) < 2_000_000
    with pytest.raises(ModelFileError, match="larger than"):
        TextModel.loads(bomb)
    with pytest.raises(ModelFileError, match="at most"):
        TextModel.loads(b"x" * 2_000_001)
