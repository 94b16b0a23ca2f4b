#!/usr/bin/python3
"""Makes the golden vectors: what PyTorch computes for the same small networks, data and initial parameters.

    /usr/bin/python3 tests/golden/make_golden.py            writes golden.json and golden.safetensors beside this file
    /usr/bin/python3 tests/golden/make_golden.py --check    recomputes them and compares with the committed files

Needs PyTorch (Debian's python3-torch 1.13 made the committed files) and NumPy. The tests in C# need no Python.

Everything runs twice. The float64 run is the truth, stored rounded to float32 (an error of 6e-8, against a tolerance of
1e-5). The float32 run is what a PyTorch user sees; its distance from the truth ("TorchFloat32Error" in the index, relative,
in the Euclidean norm) is the noise floor that any float32 trainer has: a test that asks for 1e-5 less this error from the
truth has shown 1e-5 from PyTorch's float32 result too. `--check` accepts a difference of 1e-6.
"""
import json
import os
import struct
import sys

import numpy as np
import torch
from torch import nn

from cases import GRADIENT_CASES, TRAINING_CASES, WIDTHS

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = 37  # one full panel of 32 and an odd rest; batches of 8 leave a last batch of 5
ACTIVATIONS = {
    "Identity": lambda layer: nn.Identity(), "Relu": lambda layer: nn.ReLU(),
    "LeakyRelu": lambda layer: nn.LeakyReLU(layer.get("LeakySlope", 0.01)), "Sigmoid": lambda layer: nn.Sigmoid(),
    "Tanh": lambda layer: nn.Tanh(), "Gelu": lambda layer: nn.GELU(), "Silu": lambda layer: nn.SiLU()}
TARGETS = {"CrossEntropy": "classes", "BinaryCrossEntropy": "binary", "MeanSquaredError": "real", "Huber": "real"}


def shared_arrays():
    """Inputs, the three kinds of targets, and one set of initial parameters: all cases use them."""
    rng = np.random.RandomState(20240607)
    arrays = {"inputs": rng.normal(size=(SAMPLES, WIDTHS[0])), "targets.classes": rng.randint(0, WIDTHS[-1], size=(SAMPLES, 1)),
              "targets.binary": rng.randint(0, 2, size=(SAMPLES, WIDTHS[-1])), "targets.real": 1.5 * rng.normal(size=(SAMPLES, WIDTHS[-1]))}
    for i, (inputs, outputs) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        arrays[f"initial.{i}.weight"] = rng.normal(size=(outputs, inputs)) * 1.2 / np.sqrt(inputs)
        arrays[f"initial.{i}.bias"] = 0.3 * rng.normal(size=outputs)
    return {name: np.asarray(value, np.float32) for name, value in arrays.items()}


def network(model, shared, dtype):
    """The model of a case with the shared initial parameters; layers without bias leave theirs out."""
    modules, inputs = [], WIDTHS[0]
    for i, layer in enumerate(model["Layers"]):
        linear = nn.Linear(inputs, layer["Units"], bias=layer.get("Bias", True), dtype=dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(shared[f"initial.{i}.weight"]))
            if linear.bias is not None:
                linear.bias.copy_(torch.from_numpy(shared[f"initial.{i}.bias"]))
        modules += [linear, ACTIVATIONS[layer.get("Activation", "Identity")](layer)]
        inputs = layer["Units"]
    return nn.Sequential(*modules)


def loss_function(description):
    """The mean loss; PyTorch's 'mean' averages over samples and, but for cross-entropy, over outputs too."""
    kind = description["Kind"]
    if kind == "CrossEntropy":
        cross_entropy = nn.CrossEntropyLoss(label_smoothing=description.get("LabelSmoothing", 0.0))
        return lambda outputs, targets: cross_entropy(outputs, targets[:, 0].long())
    if kind == "Huber":
        return nn.HuberLoss(delta=description.get("HuberDelta", 1.0))
    return {"BinaryCrossEntropy": nn.BCEWithLogitsLoss, "MeanSquaredError": nn.MSELoss}[kind]()


def data_of(model, shared, dtype):
    targets = shared["targets." + TARGETS[model["Loss"]["Kind"]]]
    return torch.from_numpy(shared["inputs"]).to(dtype), torch.from_numpy(targets).to(dtype)


def flat(tensors):
    """Tensors in the order of our layout: of each layer the weights, row-major, then the biases."""
    return torch.cat([t.detach().reshape(-1) for t in tensors]).numpy().copy()


def forward_and_gradient(model, shared, dtype):
    net = network(model, shared, dtype)
    inputs, targets = data_of(model, shared, dtype)
    outputs = net(inputs)
    loss = loss_function(model["Loss"])(outputs, targets)
    loss.backward()
    return {"outputs": outputs.detach().numpy(), "gradient": flat(p.grad for p in net.parameters())}, loss.item()


def make_optimizer(o, net, reg):
    """PyTorch's optimizer. L2 is its weight_decay, on weights alone by a parameter group, as PyTorch users do it."""
    kind, decay = o["Kind"], reg.get("L2", 0.0)
    if kind == "AdamW":
        decay = reg.get("DecoupledWeightDecay", 0.0)
    on_biases = decay if reg.get("ApplyToBiases") else 0.0
    groups = [{"params": [p for p in net.parameters() if p.dim() == 2], "weight_decay": decay},
              {"params": [p for p in net.parameters() if p.dim() == 1], "weight_decay": on_biases}]
    groups = [g for g in groups if g["params"]]
    rate, momentum = o["LearningRate"], o.get("Momentum", 0.0)
    if kind == "Sgd":
        return torch.optim.SGD(groups, rate, momentum, o.get("Dampening", 0.0), nesterov=o.get("Nesterov", False))
    if kind == "RmsProp":
        return torch.optim.RMSprop(groups, rate, o.get("Alpha", 0.99), o.get("Epsilon", 1e-8), 0, momentum, o.get("Centered", False))
    rule = torch.optim.AdamW if kind == "AdamW" else torch.optim.Adam
    return rule(groups, rate, (o.get("Beta1", 0.9), o.get("Beta2", 0.999)), o.get("Epsilon", 1e-8), amsgrad=o.get("AmsGrad", False))


def one_update(net, optimizer, case):
    """Clip the mean gradient; add L1 (L2 is inside the optimizer); decay; the optimizer's step; max-norm of each row."""
    reg, clip, kind = case["Regularization"], case["Clipping"], case["Optimizer"]["Kind"]
    if clip.get("Value"):
        nn.utils.clip_grad_value_(net.parameters(), clip["Value"])
    if clip.get("Norm"):
        nn.utils.clip_grad_norm_(net.parameters(), clip["Norm"])
    with torch.no_grad():
        for p in net.parameters():
            if p.dim() == 1 and not reg.get("ApplyToBiases"):
                continue
            p.grad.add_(p.sign(), alpha=reg.get("L1", 0.0))
            if kind == "AdamW" and reg.get("L2"):
                p.grad.add_(p, alpha=reg["L2"])
            if kind != "AdamW" and reg.get("DecoupledWeightDecay"):
                # PyTorch decays before the update; the L2 term of its optimizers would then see the decayed weights,
                # so no case has both with another optimizer than AdamW.
                p.mul_(1 - case["Optimizer"]["LearningRate"] * reg["DecoupledWeightDecay"])
        optimizer.step()
        if reg.get("MaxNorm"):
            for p in (p for p in net.parameters() if p.dim() == 2):
                norm = p.norm(dim=1, keepdim=True)
                p.mul_(torch.where(norm > reg["MaxNorm"], reg["MaxNorm"] / norm, torch.ones_like(norm)))


def train(case, shared, dtype):
    """All steps, batches in the order of the data; returns the parameters at the end."""
    net = network(case["Model"], shared, dtype)
    inputs, targets = data_of(case["Model"], shared, dtype)
    loss = loss_function(case["Model"]["Loss"])
    optimizer = make_optimizer(case["Optimizer"], net, case["Regularization"])
    size = case["Training"]["BatchSize"]
    for _ in range(case["Training"]["Epochs"]):
        for start in range(0, SAMPLES, size):
            optimizer.zero_grad()
            loss(net(inputs[start:start + size]), targets[start:start + size]).backward()
            one_update(net, optimizer, case)
    return flat(net.parameters())


def distance(a, b):
    return float(np.linalg.norm(np.float64(a) - b) / np.linalg.norm(b))


def outputs_name(case):
    """Outputs do not depend on the loss, so the cases of one network share them."""
    first = case["Model"]["Layers"][0]
    return f"outputs/{first.get('Activation', 'Identity')}{first.get('LeakySlope', '')}{'' if first.get('Bias', True) else '-no-bias'}"


def make():
    """The arrays and the index of all cases."""
    shared = shared_arrays()
    arrays, gradients, trainings = dict(shared), [], []
    for case in GRADIENT_CASES:
        truth, loss = forward_and_gradient(case["Model"], shared, torch.float64)
        single, _ = forward_and_gradient(case["Model"], shared, torch.float32)
        arrays[outputs_name(case)] = truth["outputs"].astype(np.float32)
        arrays[f"{case['Name']}/gradient"] = truth["gradient"].astype(np.float32)
        error = max(distance(single[part], truth[part]) for part in truth)
        gradients.append({**case, "Outputs": outputs_name(case), "Loss": loss, "TorchFloat32Error": float(f"{error:.2g}")})
    finals = {}
    for case in TRAINING_CASES:
        truth, single = train(case, shared, torch.float64), train(case, shared, torch.float32)
        same = [name for name, other in finals.items() if len(other) == len(truth) and distance(other, truth) < 1e-4]
        if same:
            sys.exit(f"{case['Name']} ends where {same[0]} does: its options had no effect, so it would prove nothing.")
        finals[case["Name"]] = truth
        arrays[f"{case['Name']}/parameters"] = truth.astype(np.float32)
        trainings.append({**case, "TorchFloat32Error": float(f"{distance(single, truth):.2g}")})
    return arrays, {"Gradients": gradients, "Trainings": trainings}


def save(arrays, index):
    header, offset = {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(f"{HERE}/golden.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(a.astype("<f4").tobytes() for a in arrays.values()))
    with open(f"{HERE}/golden.json", "w") as f:
        for key, opening in (("Gradients", "{"), ("Trainings", ",")):
            f.write(f'{opening}"{key}":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in index[key]) + "\n]")
        f.write("}\n")


def load():
    with open(f"{HERE}/golden.safetensors", "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    return {name: np.frombuffer(data[slice(*e["data_offsets"])], "<f4").reshape(e["shape"]) for name, e in header.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    arrays, index = make()
    worst = max(c["TorchFloat32Error"] for c in index["Trainings"])
    print(f"{len(index['Gradients'])} gradient cases, {len(index['Trainings'])} training cases; "
          f"PyTorch's own float32 error after the training steps is at most {worst}")
    if "--check" in sys.argv:
        committed = load()
        bad = [n for n in {*arrays, *committed} if n not in arrays or n not in committed or distance(arrays[n], committed[n]) > 1e-6]
        sys.exit(f"differ from the committed ones: {sorted(bad)}" if bad else 0)
    save(arrays, index)
