"""Export: what the memory has learned, as a PEFT LoRA adapter that other programs load.

In come deltas and the base's name, out goes a folder with ``adapter_config.json`` and
``adapter_model.safetensors``. It knows nothing of versions; PEFT itself is not needed to write it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save

from langchain_selfparam.errors import ConfigError, FolderError
from langchain_selfparam.weights.delta import Delta, Factors
from langchain_selfparam.weights.files import write_whole


def export_peft(
    path: str | os.PathLike[str], *, deltas: Sequence[Delta], base_name: str, revision: str | None = None
) -> Path:
    """Write base → served weights as one LoRA adapter; the folder appears whole or not at all.

    The deltas' factors stand side by side, [B_1 … B_n] and [A_1; …; A_n], so the adapter's rank is the sum of
    theirs and its product their sum without loss. A program that adds it to the base computes in its own
    precision, so its logits differ from the served ones by rounding.

    Args:
        path: The folder to make; it may be there if it is empty.
        deltas: All deltas from version 0 on, in the ledger's order.
        base_name: Hub id or absolute folder of the base model, for ``base_model_name_or_path``.
        revision: Its commit on the hub, where it is from there.

    Returns:
        The folder, absolute. Only its owner may enter it: it holds what was said in confidence.

    Raises:
        ConfigError: There is no delta, so there is nothing to export.
        FolderError: The folder has files in it, or cannot be written.
    """
    folder = Path(path).expanduser().absolute()
    layers = _concatenated(deltas)
    if not layers:
        msg = f"nothing has been learned yet, so there is no adapter to write to {folder}; consolidate first"
        raise ConfigError(msg)
    files = {
        "adapter_config.json": json.dumps(_config(layers, base_name, revision), indent=2).encode(),
        "adapter_model.safetensors": _tensors(layers),
    }
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            msg = f"{folder} is there and not an empty folder; choose another, or empty it first"
            raise FolderError(msg)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _write_folder(folder, files)
    except OSError as error:
        msg = f"the adapter {folder} could not be written ({error.strerror}); make room, or choose another"
        raise FolderError(msg) from error
    return folder


def _write_folder(folder: Path, files: dict[str, bytes]) -> None:
    half = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        for name, data in files.items():
            write_whole(half / name, data)
        if folder.exists():
            folder.rmdir()  # refuses a folder that was filled meanwhile, where rename might not
        half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _concatenated(deltas: Sequence[Delta]) -> dict[str, Factors]:
    names = list(dict.fromkeys(name for delta in deltas for name in delta.layers))
    rank = sum(delta.rank for delta in deltas)
    layers = {}
    for name in names:
        parts = [delta.layers[name] for delta in deltas if name in delta.layers]
        b, a = torch.cat([p.b for p in parts], dim=1), torch.cat([p.a for p in parts], dim=0)
        # One rank for all layers is what every program that loads LoRA understands.
        missing = rank - a.shape[0]
        layers[name] = Factors(
            b=torch.nn.functional.pad(b, (0, missing)), a=torch.nn.functional.pad(a, (0, 0, 0, missing))
        )
    return layers


def _tensors(layers: dict[str, Factors]) -> bytes:
    tensors = {}
    for name, factors in layers.items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = factors.a.contiguous()
        tensors[f"base_model.model.{name}.lora_B.weight"] = factors.b.contiguous()
    data: bytes = save(tensors, metadata={"format": "pt"})
    return data


def _config(layers: dict[str, Factors], base_name: str, revision: str | None) -> dict[str, object]:
    rank = next(iter(layers.values())).a.shape[0]
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "revision": revision,
        "inference_mode": True,
        "r": rank,
        # The scale alpha / r is folded into B already.
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "target_modules": list(layers),
        "bias": "none",
        "use_dora": False,
        "use_rslora": False,
        "modules_to_save": None,
        "fan_in_fan_out": False,
    }
