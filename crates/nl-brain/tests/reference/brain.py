"""Reference values of a whole small brain from PyTorch, float64: logits, reconstruction, losses and all gradients.

usage: python brain.py > brain.json      (made with PyTorch 2, CPU)

Odd sides on purpose (9 x 7): both poolings drop a row or a column, and the decoder's output padding puts it back.
"""
import json

import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
H, W, CHANNELS, CLASSES = 9, 7, 2, 3
RETINA, KERNEL, HIDDEN, V1, V2, V4, IT, DEC = 4, 5, 3, 4, 5, 3, 6, (4, 3)
h2, w2 = H // 2, W // 2
h4, w4 = h2 // 2, w2 // 2

shapes = {
    "cortex/retina/weight": (RETINA, CHANNELS, KERNEL, KERNEL), "cortex/retina/bias": (RETINA,),
    "cortex/thalamus/squeeze/weight": (HIDDEN, RETINA), "cortex/thalamus/squeeze/bias": (HIDDEN,),
    "cortex/thalamus/excite/weight": (RETINA, HIDDEN), "cortex/thalamus/excite/bias": (RETINA,),
    "cortex/v1/weight": (V1, RETINA, 3, 3), "cortex/v1/bias": (V1,),
    "cortex/v2/weight": (V2, V1, 3, 3), "cortex/v2/bias": (V2,),
    "cortex/v4/weight": (V4, V2, 3, 3), "cortex/v4/bias": (V4,),
    "cortex/it/weight": (IT, V4 * h4 * w4), "cortex/it/bias": (IT,),
    "prefrontal/weight": (CLASSES, IT), "prefrontal/bias": (CLASSES,),
    "cerebellum/expand/weight": (DEC[0] * h4 * w4, IT), "cerebellum/expand/bias": (DEC[0] * h4 * w4,),
    "cerebellum/coarse/weight": (DEC[0], DEC[1], 4, 4), "cerebellum/coarse/bias": (DEC[1],),
    "cerebellum/fine/weight": (DEC[1], CHANNELS, 4, 4), "cerebellum/fine/bias": (CHANNELS,),
}
p = {k: (0.5 * torch.randn(s)).requires_grad_() for k, s in shapes.items()}
# A gate of another shape was drawn here once: so that all that follows stays what it was.
for shape in [(5, 15), (5,), (1, 5), (1,)]:
    torch.randn(shape)
for k, values in {
    "cortex_sharpness": [0.8], "memory_sharpness": [1.25], "least": [-1.0], "most": [1.5],
    "gate/weight": [[0.9, -0.7, 1.1, -0.4, 0.6, -1.2, 0.8, -0.5, 0.3]], "gate/bias": [-0.25],
}.items():
    p["basal_ganglia/" + k] = torch.tensor(values).requires_grad_()


def linear(x, name):
    return F.linear(x, p[name + "/weight"], p[name + "/bias"])


def conv(x, name, padding):
    return F.relu(F.conv2d(x, p[name + "/weight"], p[name + "/bias"], padding=padding))


def up(x, name, padding):
    return F.conv_transpose2d(x, p[name + "/weight"], p[name + "/bias"], 2, 1, padding)


images = torch.rand(4, CHANNELS, H, W)
labels = torch.tensor([0, 2, 1, 2])

r = conv(images, "cortex/retina", KERNEL // 2)
gate = torch.sigmoid(linear(F.relu(linear(r.mean((2, 3)), "cortex/thalamus/squeeze")), "cortex/thalamus/excite"))
x = F.max_pool2d(conv(r * gate[:, :, None, None], "cortex/v1", 1), 2)
x = F.max_pool2d(conv(x, "cortex/v2", 1), 2)
x = conv(x, "cortex/v4", 1)
embedding = F.relu(linear(x.flatten(1), "cortex/it"))
logits = linear(embedding, "prefrontal")
d = F.relu(linear(embedding, "cerebellum/expand")).view(-1, DEC[0], h4, w4)
d = F.relu(up(d, "cerebellum/coarse", (h2 % 2, w2 % 2)))
image_logits = up(d, "cerebellum/fine", (H % 2, W % 2))
assert image_logits.shape == images.shape

# The gate, on float32 recalls (what a memory gives), read as numbers.
recall = torch.log_softmax(2 * torch.randn(4, CLASSES), 1).float().double()
agreement = torch.rand(4).float().double()
distance = (torch.rand(4) ** 2).float().double()


def confidence(log_p):
    q = log_p.exp()
    top = q.topk(2, 1).values
    entropy = -(q * log_p).sum(1) / torch.log(torch.tensor(float(CLASSES)))
    return [top[:, 0], entropy, top[:, 0] - top[:, 1]]


log_cortex = F.log_softmax(p["basal_ganglia/cortex_sharpness"] * logits, 1)
log_memory = F.log_softmax(p["basal_ganglia/memory_sharpness"] * recall, 1)
with torch.no_grad():
    evidence = torch.stack(confidence(log_cortex) + confidence(log_memory) + [
        agreement, 1 + torch.log(distance + 1e-3) / 3.5, (log_cortex.argmax(1) == log_memory.argmax(1)).double()], 1)
least, most = torch.sigmoid(p["basal_ganglia/least"]), torch.sigmoid(p["basal_ganglia/most"])
trust = least + (most - least) * torch.sigmoid(linear(evidence, "basal_ganglia/gate"))
mixed = torch.log((1 - trust) * log_cortex.exp() + trust * log_memory.exp())

losses = {
    "reconstruction": F.mse_loss(torch.sigmoid(image_logits), images),
    "pixel_cross_entropy": F.binary_cross_entropy_with_logits(image_logits, images),
    "classification": F.cross_entropy(logits, labels),
    "decision": F.nll_loss(mixed, labels),
}


def tensor(t):
    return {"shape": list(t.shape), "data": [float(v) for v in t.detach().flatten()]}


out = {
    "config": {"height": H, "width": W, "channels": CHANNELS, "classes": CLASSES, "retina": RETINA,
               "retina_kernel": KERNEL, "thalamus_hidden": HIDDEN, "v1": V1, "v2": V2, "v4": V4, "embedding": IT,
               "cerebellum": list(DEC)},
    "labels": labels.tolist(),
    "tensors": {k: tensor(v) for k, v in dict(
        images=images, embedding=embedding, gate=gate, logits=logits, image_logits=image_logits, recall=recall,
        agreement=agreement, distance=distance, trust=trust, mixed=mixed).items()},
    "parameters": {k: tensor(v) for k, v in p.items()},
    "losses": {},
}
for name, loss in losses.items():
    grads = torch.autograd.grad(loss, list(p.values()), retain_graph=True, allow_unused=True)
    out["losses"][name] = {
        "value": float(loss.detach()),
        # What the decision sends below the classifier is what classification sends there, from other logits.
        "gradients": {k: tensor(g) for k, g in zip(p, grads)
                      if g is not None and not (name == "decision" and k.startswith("cortex"))},
    }
print(json.dumps(out, separators=(",", ":")).replace('},"', '},\n"'))
