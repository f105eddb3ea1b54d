# SPDX-License-Identifier: Apache-2.0
"""The optimizer: Muon for the matrices of the layers, AdamW for the embedding and the norms.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) replaces the momentum of a matrix by the
nearest orthogonal one; the factor 0.2 * sqrt(larger side) gives its update the root mean square of an AdamW
update (Liu et al. 2025, arXiv:2502.16982), so that both share one learning rate and one weight decay.
"""

import torch


def orthogonal(g: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """About U V^T of g = U S V^T, by the quintic Newton-Schulz iteration; in bfloat16 where a GPU does that faster."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g if g.device.type == "cpu" else g.bfloat16()
    if x.shape[0] > x.shape[1]:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return (x.T if g.shape[0] > g.shape[1] else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr: float, weight_decay: float, momentum: float = 0.95):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
                momentum.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(momentum, group["momentum"]))  # Nesterov
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * 0.2 * max(p.shape) ** 0.5)


class Optimizer:
    """Both, as one; clips the gradient's norm to 1 before a step."""

    def __init__(self, model, learning_rate: float, weight_decay: float):
        self.params = list(model.parameters())
        layers = [p for name, p in model.named_parameters() if p.dim() == 2 and name.startswith("layers.")]
        tables = [p for name, p in model.named_parameters() if p.dim() == 2 and not name.startswith("layers.")]
        vectors = [p for p in self.params if p.dim() < 2]
        self.both = [
            Muon(layers, learning_rate, weight_decay),
            torch.optim.AdamW([{"params": tables, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}],
                              lr=learning_rate, betas=(0.9, 0.95), fused=True),
        ]

    def step(self, learning_rate: float) -> None:
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        for optimizer in self.both:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
            optimizer.zero_grad()

    def state_dict(self) -> list[dict]:
        return [optimizer.state_dict() for optimizer in self.both]

    def load_state_dict(self, states: list[dict]) -> None:
        for optimizer, state in zip(self.both, states):
            optimizer.load_state_dict(state)
