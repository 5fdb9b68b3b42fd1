"""The network of recipe/internal/nn in PyTorch, as a baseline of training speed.

Reads one JSON object a line and answers each with one number a line:
  {"shape": {...}, "weights": file}              takes the parameters of that file
  {"loss": {"tokens", "targets", "lens"}}        loss of a batch without dropout
  {"steps": n, "lens": [...], "sample": c, "drop": p, "filled": b}
                                                 CPU seconds of n steps of training;
                                                 filled: logits of what is filled up, too
The first line it writes names the version. One thread, no GPU.
"""
import json
import os
import sys
import time

os.environ["CUDA_VISIBLE_DEVICES"] = ""
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(1)
FUSED = hasattr(F, "scaled_dot_product_attention")


class Net:
    """Parameters lie in one file, the table first, in the order of nn's views."""

    def __init__(self, shape, path):
        self.__dict__.update(shape)
        flat = torch.frombuffer(bytearray(open(path, "rb").read()), dtype=torch.float32)
        at = 0

        def cut(*size):
            nonlocal at
            n = 1
            for s in size:
                n *= s
            out = flat[at : at + n].clone().reshape(size).requires_grad_()
            at += n
            return out

        d, f = self.Dim, self.Inner
        self.table = cut(self.Rows, d)
        self.blocks = [
            dict(gain1=cut(d), bias1=cut(d), qkv=cut(d, 3 * d), gate=cut(d, d), rel=cut(self.Heads, self.Window),
                 out=cut(d, d), gain2=cut(d), bias2=cut(d), silu=cut(d, f), lin=cut(d, f), down=cut(f, d))
            for _ in range(self.Blocks)
        ]
        self.gain, self.bias = cut(d), cut(d)

    def parameters(self):
        return [self.table, self.gain, self.bias] + [p for b in self.blocks for p in b.values()]

    def queries(self, tokens, drop):
        """tokens is (B,L), the answer (B,L,d)."""
        size, length = tokens.shape
        d, heads = self.Dim, self.Heads
        x = F.dropout(self.table[tokens] * d**0.5, drop)
        place = torch.arange(length)
        distance = place[:, None] - place[None, :]
        for b in self.blocks:
            h = F.layer_norm(x, (d,), b["gain1"], b["bias1"])
            q, k, v = (h @ b["qkv"]).reshape(size, length, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
            near = b["rel"][:, self.Window - 1 - distance.clamp(min=0)].masked_fill(distance < 0, float("-inf"))
            if FUSED:
                o = F.scaled_dot_product_attention(q, k, v, attn_mask=near)
            else:
                o = torch.softmax(q @ k.transpose(2, 3) * (d // heads) ** -0.5 + near, -1) @ v
            o = o.transpose(1, 2).reshape(size, length, d) * torch.sigmoid(h @ b["gate"])
            x = x + F.dropout(o @ b["out"], drop)
            h = F.layer_norm(x, (d,), b["gain2"], b["bias2"])
            f = F.dropout(F.silu(h @ b["silu"]) * (h @ b["lin"]), drop)
            x = x + F.dropout(f @ b["down"], drop)
        return F.layer_norm(x, (d,), self.gain, self.bias)

    def loss(self, tokens, targets, sample, drop, filled):
        """targets is (B,L), -1 where nothing is to be learnt."""
        items, tau = self.Rows - 1, self.Tau
        wanted = targets >= 0
        if filled:
            wanted = torch.ones_like(wanted)
        q = F.normalize(self.queries(tokens, drop)[wanted], dim=1)
        target = targets[wanted]
        if not sample:
            return F.cross_entropy(tau * (q @ F.normalize(self.table[:items], dim=1).T), target, ignore_index=-1)
        drawn = torch.randperm(items)[:sample]
        others = tau * (q @ F.normalize(self.table[drawn], dim=1).T)
        others = others.masked_fill(drawn[None, :] == target[:, None], float("-inf"))
        own = tau * (q * F.normalize(self.table[target], dim=1)).sum(1, keepdim=True)
        own = own - torch.log(torch.tensor(items / sample))
        return F.cross_entropy(torch.cat([own, others], 1), target.clamp(max=0), ignore_index=-1)


def padded(lists, fill):
    """Lists of unlike lengths as one matrix, filled up behind."""
    longest = max(map(len, lists))
    return torch.tensor([x + [fill] * (longest - len(x)) for x in lists])


def split(flat, lens):
    out, at = [], 0
    for n in lens:
        out.append(flat[at : at + n])
        at += n
    return out


def train(net, steps, lens, sample, drop, filled):
    """CPU seconds of steps on random tokens of those lengths."""
    options = {"lr": 1e-3, "betas": (0.9, 0.98)}
    try:
        optimiser = torch.optim.Adam(net.parameters(), fused=True, **options)
    except (RuntimeError, TypeError):
        optimiser = torch.optim.Adam(net.parameters(), **options)
    seconds = 0.0
    for step in range(steps + 1):
        items = [torch.randint(net.Rows - 1, (n,)).tolist() for n in lens]
        tokens, targets = padded(items, 0), padded(items, -1)
        start = time.process_time()
        optimiser.zero_grad()
        net.loss(tokens, targets, sample, drop, filled).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        if step > 0:  # the first one makes room
            seconds += time.process_time() - start
    return seconds


print("PyTorch", torch.__version__, flush=True)
net = None
for line in sys.stdin:
    ask = json.loads(line)
    if "weights" in ask:
        net = Net(ask["shape"], ask["weights"])
        print(0, flush=True)
    elif "loss" in ask:
        b = ask["loss"]
        with torch.no_grad():
            tokens, targets = padded(split(b["tokens"], b["lens"]), 0), padded(split(b["targets"], b["lens"]), -1)
            print(net.loss(tokens, targets, 0, 0.0, False).item(), flush=True)
    else:
        print(train(net, ask["steps"], ask["lens"], ask["sample"], ask["drop"], ask["filled"]), flush=True)
