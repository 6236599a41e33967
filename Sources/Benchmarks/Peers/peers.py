"""What Python has to offer for the same task, timed for `benchmarks --peers`.

Standard input has one JSON object a line, standard output the answer to each on a line of its own. The first line of
output says what there is:

    {"offers": [{"peer", "law", "precisions", "pass", "largest"}, ...], "versions": {...}, "missing": {name: reason}}

A request {"offer": index, "precision", "size", "rows", "logits": path, "exact": path, "seconds"} is answered by
{"nanosecondsPerRow", "rows", "maximumError"}, or {"failure": reason}. The files hold Doubles: all rows of logits, and
the exact probabilities of the first one.
"""

import array
import json
import math
import sys
import time
import warnings

POINTS = 64
SAMPLES = 1000

warnings.filterwarnings("ignore")
missing, versions = {}, {}
try:
    import torch

    torch.set_num_threads(1)
    versions["torch"] = torch.__version__
except Exception as reason:
    torch = None
    missing["torch"] = str(reason)
try:
    import numpy
    import winning

    versions["winning"] = winning.__version__
except Exception as reason:
    winning = None
    missing["winning"] = str(reason)


def doubles(path):
    values = array.array("d")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return values


def largest_difference(values, exact):
    return max(abs(value - right) for value, right in zip(values, exact))


class Task:
    """One row or batch: `work` is what is timed, `error` the error of its first row."""

    def __init__(self, work, rows, error):
        self.work, self.rows, self.error = work, rows, error
        self.seconds = None

    def sample(self, seconds):
        calls = max(1, int(seconds / self.seconds)) if self.seconds else 1
        start = time.perf_counter()
        for _ in range(calls):
            self.work()
        self.seconds = (time.perf_counter() - start) / calls
        return self.seconds


def tensor(request, rows):
    precision = {"Float": torch.float32, "Double": torch.float64}[request["precision"]]
    values = torch.tensor(doubles(request["logits"]), dtype=torch.float64)
    return values.reshape(-1, request["size"])[:rows].to(precision).contiguous()


def softmax(request):
    logits = tensor(request, request["rows"])
    result = torch.empty_like(logits)
    exact = doubles(request["exact"])
    work = lambda: torch.softmax(logits, -1, out=result)
    return Task(work, len(logits), lambda: largest_difference(work()[0].tolist(), exact))


def softmax_backward(request):
    logits = tensor(request, request["rows"]).requires_grad_()
    cotangent = torch.cos(torch.arange(logits.numel())).to(logits.dtype).reshape(logits.shape)
    result = torch.softmax(logits, -1)
    exact = doubles(request["exact"])

    def error():
        # The derivative of softmax is p (v - p·v), here from the exact probabilities.
        vector = cotangent[0].tolist()
        mean = math.fsum(p * v for p, v in zip(exact, vector))
        right = [p * (v - mean) for p, v in zip(exact, vector)]
        return largest_difference(gradient()[0].tolist(), right)

    gradient = lambda: torch.autograd.grad(result, logits, cotangent, retain_graph=True)[0]
    return Task(gradient, len(logits), error)


def quantile_rule(request):
    logits = tensor(request, 1)[0]
    nodes = torch.special.ndtri(torch.arange(1, POINTS + 1, dtype=logits.dtype) / (POINTS + 1))
    own = torch.special.log_ndtr(nodes)
    # A few classes at a time: all n²·K factors at once would not fit.
    chunk = max(1, 2**22 // (len(logits) * POINTS))
    exact = doubles(request["exact"])

    def work():
        parts = []
        for some in logits.split(chunk):
            factors = torch.special.log_ndtr((some[:, None] - logits)[:, :, None] + nodes)
            parts.append((factors.sum(1) - own).exp().mean(1))
        values = torch.cat(parts)
        return values / values.sum()

    return Task(work, 1, lambda: largest_difference(work().tolist(), exact))


def monte_carlo(request):
    logits = tensor(request, 1)[0]
    size = len(logits)
    torch.manual_seed(0)

    def work():
        noise = torch.randn(SAMPLES, size, dtype=logits.dtype)
        return (logits + noise).argmax(1).bincount(minlength=size) / SAMPLES

    exact = doubles(request["exact"])
    return Task(work, 1, lambda: largest_difference(work().tolist(), exact))


def race(request):
    # In a race the lowest number wins.
    abilities = -numpy.array(doubles(request["logits"])[: request["size"]])
    exact = doubles(request["exact"])
    work = lambda: winning.race_probabilities(abilities)
    return Task(work, 1, lambda: largest_difference(work().tolist(), exact))


def offer(peer, law, precisions, direction, largest, make):
    return dict(peer=peer, law=law, precisions=precisions, largest=largest, make=make, **{"pass": direction})


offers = []
if torch:
    both = ["Float", "Double"]
    offers += [
        offer("torch.softmax", "gumbel", both, "forward", 2**30, softmax),
        offer("torch.softmax", "gumbel", both, "backward", 2**30, softmax_backward),
        offer(f"torch, {POINTS}-point formula", "normal", both, "forward", 1000, quantile_rule),
        offer(f"torch, {SAMPLES} samples", "normal", both, "forward", 32768, monte_carlo),
    ]
if winning:
    offers.append(offer("winning", "normal", ["Double"], "forward", 10000, race))


def answer(request):
    key = (request["offer"], request["precision"], request["size"])
    try:
        if key not in tasks:
            tasks[key] = offers[request["offer"]]["make"](request)
            # This also does whatever a library puts off until the first call.
            tasks[key].found = tasks[key].error()
        task = tasks[key]
        seconds = task.sample(request["seconds"])
        return {"nanosecondsPerRow": seconds / task.rows * 1e9, "rows": task.rows, "maximumError": task.found}
    except Exception as reason:
        return {"failure": f"{type(reason).__name__}: {reason}"}


def write(line):
    print(json.dumps(line), flush=True)


tasks = {}
shown = [{key: value for key, value in offer.items() if key != "make"} for offer in offers]
write({"offers": shown, "versions": versions, "missing": missing})
for line in sys.stdin:
    write(answer(json.loads(line)))
