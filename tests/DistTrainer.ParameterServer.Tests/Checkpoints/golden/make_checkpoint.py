#!/usr/bin/env python3
"""Makes step-000000003 from docs/checkpoints.md alone, without any code of DistTrainer: a second opinion on the format."""
import hashlib, json, pathlib, struct

FOLDER = pathlib.Path(__file__).parent / "step-000000003"
TENSORS = [("0.weight", "weight", 0, [2, 3]), ("0.bias", "bias", 0, [2]), ("1.weight", "weight", 1, [1, 2]), ("1.bias", "bias", 1, [1])]
PARTS = [(0, 6), (6, 11)]
VECTORS = ["", "exp_avg/", "exp_avg_sq/", "best/"]


def crc32c(data):
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return f"{state ^ 0xFFFFFFFF:08x}"


def part(start, end):
    header = {"__metadata__": {"elements": f"{start}:{end}", "format": "disttrainer-checkpoint-part", "run": "a-run", "step": "3"}}
    data = b""
    for number, vector in enumerate(VECTORS):
        offset = 0
        for name, _, _, shape in TENSORS:
            length = shape[0] * (shape[1] if len(shape) > 1 else 1)
            if start <= offset < end:
                values = struct.pack(f"<{length}f", *(100 * number + i + 0.5 for i in range(offset, offset + length)))
                header[vector + name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
                data += values
            offset += length
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def main():
    FOLDER.mkdir(exist_ok=True)
    files = []
    for i, (start, end) in enumerate(PARTS):
        content = part(start, end)
        name = f"parameters-{i + 1:04}-of-{len(PARTS):04}.safetensors"
        (FOLDER / name).write_bytes(content)
        files.append({"name": name, "start": start, "end": end, "bytes": len(content), "crc32C": crc32c(content), "sha256": hashlib.sha256(content).hexdigest()})
    parameters = struct.pack("<11f", *(i + 0.5 for i in range(11)))
    manifest = {
        "formatVersion": 1, "run": "a-run", "step": 3, "generation": 1,
        "position": {"epoch": 1, "cursor": 30, "stepsPerEpoch": 100, "epochsDecided": 0, "sums": {"loss": 0.1 + 0.2}},
        "seeds": {"training": 2**64 - 1, "split": 7},
        "rate": {"base": None, "plateauFactor": 0.1, "plateauBest": "Infinity", "plateauBadEpochs": 0},
        "earlyStopping": {"bestEpoch": 0, "bestLoss": "Infinity", "badEpochs": 0},
        "validationLoss": 0.25, "hasBest": True,
        "job": "training { epochs = 3 } # größer als „nichts“\n", "dataHash": "0" * 64,
        "optimizer": {"kind": "adam", "slots": ["exp_avg", "exp_avg_sq"]},
        "layout": [{"name": n, "kind": k, "layer": l, "shape": s} for n, k, l, s in TENSORS],
        "parameterHash": hashlib.sha256(parameters).hexdigest(), "files": files,
    }
    body = json.dumps(manifest, indent=2, ensure_ascii=False).encode()[:-2]
    (FOLDER / "checkpoint.json").write_bytes(body + b',\n  "manifestSha256": "' + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n')
    print(manifest["parameterHash"])


main()
