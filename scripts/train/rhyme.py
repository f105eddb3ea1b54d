# SPDX-License-Identifier: Apache-2.0
"""What helps a small model of verse to rhyme before it has read for days: nothing but counts of its own training text.

Which characters rhyme is written nowhere in the text; a network has to find it out from the ends of lines, one position in
thirteen. So the embedding begins with what those ends say when they are counted: part of its dimensions come from how often
two characters end even lines of the same poem, the others from how often they stand near each other (positive pointwise
mutual information, factored by a singular value decomposition: Levy and Goldberg 2014, "Neural word embedding as implicit matrix
factorization"). And where an even line ends, the loss counts more.
"""

import numpy as np
import torch
from tokenizers import Tokenizer

ENDS = "。？！；"
SCALE = 0.03  # root mean square of the numbers of an embedding


def factors(counts: np.ndarray, size: int) -> torch.Tensor:
    """[tokens, size] from symmetric counts: rows of U sqrt(S) of their positive mutual information, of one length."""
    own = counts.sum(1)
    context = own**0.75 / (own**0.75).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts / (own[:, None] * context[None, :]))
    information = torch.from_numpy(np.where(counts > 0, np.maximum(information, 0), 0).astype(np.float32))
    u, s, _ = torch.svd_lowrank((information + information.T) / 2, q=size, niter=4)
    rows = u * s.sqrt()
    length = rows.norm(dim=1, keepdim=True)
    return torch.where(length > 1e-6, rows / length.clamp_min(1e-6), torch.nn.functional.normalize(torch.randn_like(rows), dim=1))


def embedding(data, preset) -> torch.Tensor:
    """[vocab_size, hidden_size]: the last `preset.rhyme` dimensions from rhymes, the others from neighbours."""
    tokenizer = Tokenizer.from_file(str(data / "tokenizer.json"))
    ends = [tokenizer.encode(c, add_special_tokens=False).ids[0] for c in ENDS]
    size, hidden = preset.shape.vocab_size, preset.shape.hidden_size
    near, rhymes = (np.zeros((size, size), np.float32) for _ in range(2))
    for group in preset.mix:
        ids = np.fromfile(data / "train" / f"{group}.bin", dtype=np.uint16).astype(np.int64)
        for distance, weight in ((1, 1.0), (2, 0.5), (3, 0.25)):
            np.add.at(near, (ids[:-distance], ids[distance:]), weight)
        newline = tokenizer.encode("\n", add_special_tokens=False).ids[0]
        closes = np.isin(ids[1:], ends) & np.isin(np.append(ids[2:], 0), (newline, 0))
        at = np.flatnonzero(closes)
        poem = np.cumsum(ids == 0)[at]
        for distance in (1, 2, 3):
            same = poem[distance:] == poem[:-distance]
            np.add.at(rhymes, (ids[at[:-distance]][same], ids[at[distance:]][same]), 1.0)
    torch.manual_seed(1)
    parts = [factors(counts + counts.T, n) * (SCALE * n**0.5) for counts, n in ((near, hidden - preset.rhyme), (rhymes, preset.rhyme))]
    return torch.cat(parts, 1)


def weights(ids: torch.Tensor, ends: torch.Tensor, weight: float) -> torch.Tensor:
    """Of the loss at each target ids[:, 1:]: `weight` where it ends a line that ends in one of `ends`, else 1; mean 1."""
    closes = torch.isin(ids[:, 2:], ends)
    result = torch.ones(ids[:, 1:].shape, device=ids.device)
    result[:, :-1][closes] = weight
    return result / result.mean()
