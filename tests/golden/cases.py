"""The cases of the golden vectors. The keys are the property names of DistTrainer's description records, so that the C#
tests read them without a translation; a key that is left out has the record's default, which is PyTorch's."""

WIDTHS = [7, 11, 5, 3]
STEPS_PER_EPOCH, EPOCHS, BATCH_SIZE = 5, 10, 8

LOSSES = {
    "ce": {"Kind": "CrossEntropy"}, "ce-smooth": {"Kind": "CrossEntropy", "LabelSmoothing": 0.1},
    "bce": {"Kind": "BinaryCrossEntropy"}, "mse": {"Kind": "MeanSquaredError"}, "huber": {"Kind": "Huber", "HuberDelta": 0.7}}

ACTIVATIONS = {
    "relu": {"Activation": "Relu"}, "leaky": {"Activation": "LeakyRelu"},
    "leaky-0.2": {"Activation": "LeakyRelu", "LeakySlope": 0.2}, "sigmoid": {"Activation": "Sigmoid"},
    "tanh": {"Activation": "Tanh"}, "gelu": {"Activation": "Gelu"}, "silu": {"Activation": "Silu"}, "identity": {}}


def model(first, second, loss, bias=True):
    extra = {} if bias else {"Bias": False}
    hidden = [{"Units": WIDTHS[1], **ACTIVATIONS[first], **extra}, {"Units": WIDTHS[2], **ACTIVATIONS[second], **extra}]
    return {"Layers": [*hidden, {"Units": WIDTHS[3], **extra}], "Loss": LOSSES[loss]}


GRADIENT_CASES = [
    {"Name": f"{activation}-{loss}{'' if bias else '-no-bias'}", "Model": model(activation, activation, loss, bias)}
    for activation in ACTIVATIONS for loss in LOSSES for bias in (True, False)]

OPTIMIZERS = {
    "sgd": {"Kind": "Sgd", "LearningRate": 0.1},
    "sgd-momentum": {"Kind": "Sgd", "LearningRate": 0.02, "Momentum": 0.9},
    "sgd-dampening": {"Kind": "Sgd", "LearningRate": 0.05, "Momentum": 0.9, "Dampening": 0.3},
    "sgd-nesterov": {"Kind": "Sgd", "LearningRate": 0.02, "Momentum": 0.9, "Nesterov": True},
    "adam": {"Kind": "Adam", "LearningRate": 0.01},
    "adam-options": {"Kind": "Adam", "LearningRate": 0.01, "Beta1": 0.8, "Beta2": 0.95, "Epsilon": 1e-3},
    "amsgrad": {"Kind": "Adam", "LearningRate": 0.01, "Beta2": 0.9, "AmsGrad": True},
    "adamw": {"Kind": "AdamW", "LearningRate": 0.012},
    "rmsprop": {"Kind": "RmsProp", "LearningRate": 0.003},
    "rmsprop-options": {"Kind": "RmsProp", "LearningRate": 0.003, "Alpha": 0.9, "Epsilon": 1e-3},
    "rmsprop-centered": {"Kind": "RmsProp", "LearningRate": 0.003, "Centered": True},
    "rmsprop-momentum": {"Kind": "RmsProp", "LearningRate": 0.001, "Momentum": 0.9}}

# (regularization, clipping); every one must change the result, which the script checks
TREATMENTS = {
    "none": ({}, {}),
    "l1": ({"L1": 0.01}, {}),
    "l2": ({"L2": 0.05}, {}),
    "elastic": ({"L1": 0.01, "L2": 0.05}, {}),
    "l2-biases": ({"L2": 0.05, "ApplyToBiases": True}, {}),
    "decoupled": ({"DecoupledWeightDecay": 0.2}, {}),
    "clip-value": ({}, {"Value": 0.02}),
    "clip-norm": ({}, {"Norm": 0.1}),
    "max-norm": ({"MaxNorm": 0.9}, {}),
    "clip-elastic-max-norm": ({"L1": 0.01, "L2": 0.05, "MaxNorm": 0.9}, {"Norm": 0.1})}


def training(name, network, optimizer, treatment, epochs=EPOCHS, batch=BATCH_SIZE):
    regularization, clipping = TREATMENTS[treatment]
    return {"Name": name, "Model": network, "Optimizer": OPTIMIZERS[optimizer], "Regularization": regularization,
            "Clipping": clipping, "Training": {"Epochs": epochs, "BatchSize": batch, "Shuffle": False}}


TRAINING_CASES = [
    training(f"{optimizer}/{treatment}", model("tanh", "gelu", "ce"), optimizer, treatment)
    for optimizer in OPTIMIZERS for treatment in TREATMENTS]
# Every loss and activation, and networks without biases, through whole training runs.
TRAINING_CASES += [
    training(f"{optimizer}/{first}-{second}-{loss}{'' if bias else '-no-bias'}", model(first, second, loss, bias), optimizer, "none")
    for optimizer in ("sgd-momentum", "adam")
    for first, second, loss, bias in (
        ("silu", "tanh", "ce-smooth", True), ("gelu", "sigmoid", "bce", True), ("sigmoid", "silu", "mse", True),
        ("relu", "leaky", "huber", True), ("tanh", "identity", "ce", False))]
