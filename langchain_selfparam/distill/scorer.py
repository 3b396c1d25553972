"""How likely the served model finds texts: log-probabilities over packed continuations.

In come prompts with the texts that may follow each, out come nats. Continuations of one prompt are packed over it, so
that a long prompt is read once for all of them. It implements ``protocols.TextScorer`` and judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from langchain_selfparam.distill.head import Head
from langchain_selfparam.distill.packing import Document, pack
from langchain_selfparam.distill.reader import Reader
from langchain_selfparam.distill.tree import Tree, plant
from langchain_selfparam.model import LocalModel
from langchain_selfparam.records import Prompt


class PackedScorer:
    """Scores texts with a local model.

    Args:
        local: Its tokenizer and template.
        reader: Reads a twin of the served model.
        head: The model's head.
        tokens: Packed tokens of one row at most, the prompt left aside.
        progress: Called with prompts done and all prompts.
    """

    def __init__(
        self,
        local: LocalModel,
        reader: Reader,
        head: Head,
        *,
        tokens: int = 2048,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._local = local
        self._reader = reader
        self._head = head
        self._tokens = tokens
        self._progress = progress

    @torch.no_grad()
    def score(self, groups: Sequence[tuple[Prompt, Sequence[str]]]) -> list[list[float]]:
        """Log-probability of each continuation of each prompt; see ``protocols.TextScorer``.

        Args:
            groups: Prompts, each with the texts that may follow it.

        Returns:
            Nats over the whole text, for each text of each group.
        """
        results = []
        for done, (prompt, texts) in enumerate(groups, 1):
            local = self._local
            if isinstance(prompt, str):
                ids = local.encode(prompt, add_special_tokens=True)
            else:
                ids = local.encode_chat(prompt)
            answers = [tuple(local.encode(text)) or (local.end_of_turn_id,) for text in texts]
            if self._reader.reads_trees:
                results.append(self._trees(ids, answers))
            else:
                results.append(self._group([Document(at, tuple(ids), a) for at, a in enumerate(answers)]))
            self._progress(done, len(groups))
        return results

    def _trees(self, prompt: Sequence[int], answers: Sequence[tuple[int, ...]]) -> list[float]:
        """By trees, of texts in the order in which they begin alike."""
        order = sorted(range(len(answers)), key=answers.__getitem__)
        scores = [0.0] * len(answers)
        while order:
            size = taken = 0
            while taken < len(order) and (not taken or size + len(answers[order[taken]]) <= self._tokens):
                size += len(answers[order[taken]])
                taken += 1
            batch, order = order[:taken], order[taken:]
            for at, score in zip(batch, self._tree(plant(prompt, [answers[at] for at in batch])), strict=True):
                scores[at] = score
        return scores

    def _tree(self, tree: Tree) -> list[float]:
        nodes, of_token = torch.unique(tree.predicted_at, return_inverse=True)
        hidden_MD = self._reader.tree(tree)
        device = hidden_MD.device
        hidden_MD, said = hidden_MD[nodes.to(device)], torch.empty(len(tree.predicted))
        start = 0
        for part in torch.split(hidden_MD, self._head.chunk):
            here = (of_token >= start) & (of_token < start + len(part))
            rows, tokens = (of_token[here] - start).to(device), tree.predicted[here].to(device)
            logits = self._head.logits(part)
            said[here] = (logits[rows, tokens] - torch.logsumexp(logits, -1)[rows]).float().cpu()
            start += len(part)
        return [float(part.sum()) for part in torch.split(said, list(tree.lengths))]

    def _group(self, documents: list[Document]) -> list[float]:
        scores: list[float] = []
        while documents:
            size = taken = 0
            while taken < len(documents) and (not taken or size + len(documents[taken].answer) <= self._tokens):
                size += len(documents[taken].answer)
                taken += 1
            packed = pack(documents[:taken])
            documents = documents[taken:]
            hidden_ND = self._reader.hidden(packed)
            answers = packed.answer_ids.to(hidden_ND.device)
            said = [
                logits.gather(1, ids[:, None])[:, 0] - torch.logsumexp(logits, -1)
                for part, ids in zip(
                    torch.split(hidden_ND, self._head.chunk), torch.split(answers, self._head.chunk), strict=True
                )
                for logits in [self._head.logits(part)]
            ]
            scores += [float(part.sum()) for part in torch.split(torch.cat(said), list(packed.lengths))]
        return scores
