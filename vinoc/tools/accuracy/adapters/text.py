"""Characters from scores of each step: connectionist temporal classification (CTC) and plain sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....compiler.paths import read_text
from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..options import option
from ..representation import Prediction, TextPrediction
from .base import Adapter, Frames, Outputs, adapter
from .numbers import softmax


def greedy(classes: Array, blank: int) -> list[int]:
    """The best class of each step [steps], equal neighbours merged, blanks left out.

    Graves et al., "Connectionist Temporal Classification", 2006, section 3.2, best path decoding.
    """
    changes = np.append(True, classes[1:] != classes[:-1])
    return [int(c) for c in classes[changes & (classes != blank)]]


def beam_search(log: Array, blank: int, size: int) -> list[int]:
    """The likeliest labelling among the `size` best prefixes of each step, from log probabilities [steps, classes].

    Graves et al., 2006, section 3.2, prefix search, kept to a beam: of each prefix the probability that it ends in a
    blank and that it does not; a label that repeats the last one lengthens the prefix only behind a blank. Of each step
    only the best labels can bring a new prefix into the beam, and those that lead to a prefix that is in it.
    """
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for row in log:
        new: dict[tuple[int, ...], list[float]] = {}
        best = {int(i) for i in np.argsort(-row, kind="stable")[: size + 2]}  # the blank, the last label, `size` more
        known: dict[tuple[int, ...], set[int]] = {}
        for prefix in beam:
            if prefix:
                known.setdefault(prefix[:-1], set()).add(prefix[-1])
        for prefix, (in_blank, in_label) in beam.items():
            whole = np.logaddexp(in_blank, in_label)
            _more(new, prefix, 0, whole + row[blank])
            if prefix:
                _more(new, prefix, 1, in_label + row[prefix[-1]])
            for label in (best | known.get(prefix, set())) - {blank}:
                before = in_blank if prefix and prefix[-1] == label else whole
                _more(new, (*prefix, label), 1, before + row[label])
        kept = sorted(new.items(), key=lambda e: (-np.logaddexp(e[1][0], e[1][1]), e[0]))[:size]
        beam = {prefix: (scores[0], scores[1]) for prefix, scores in kept}
    return list(next(iter(beam)))


def _more(beam: dict[tuple[int, ...], list[float]], prefix: tuple[int, ...], end: int, log: float) -> None:
    scores = beam.setdefault(prefix, [-np.inf, -np.inf])
    scores[end] = float(np.logaddexp(scores[end], log))


class _Decoder(Adapter):
    """What decoders share: where characters come from."""

    prediction = TextPrediction

    logits_output: str | None = option(None, "the output; without it the first")
    custom_label_map: dict[str, Any] | None = option(None, "characters by number, in place of the data set's labels")
    vocabulary_file: Path | None = option(None, "a file with a character in each line")

    def _characters(self, frames: Frames) -> Mapping[int, str]:
        """Characters by number. Raises UsageError where there are none."""
        if self.vocabulary_file is not None:
            return dict(enumerate(read_text(self.vocabulary_file).splitlines()))
        if self.custom_label_map is not None:
            try:
                return {int(k): str(v) for k, v in self.custom_label_map.items()}
            except ValueError as error:
                raise UsageError(f"option 'custom_label_map': {error}", f"adapter '{self.name}'") from None
        if not frames.labels:
            raise UsageError("no characters are known", f"adapter '{self.name}'",
                             "by custom_label_map, vocabulary_file, or the data set's labels")  # fmt: skip
        return frames.labels

    def _text(self, numbers: Sequence[int], characters: Mapping[int, str]) -> str:
        return "".join(characters.get(n, "") for n in numbers)

    def _scores(self, outputs: Outputs, frames: Frames, steps_first: bool | None = None) -> Array:
        """[samples, steps, classes], from [steps, samples, classes] as well."""
        found = outputs[self.logits_output]
        found = found.reshape(found.shape[0], -1, found.shape[-1]) if found.ndim == 4 else found
        if found.ndim == 2:
            found = found[None]
        if found.ndim != 3:
            raise UsageError(f"scores [samples, steps, classes] are needed, not {list(found.shape)}",
                             f"adapter '{self.name}'")  # fmt: skip
        if steps_first is None:
            steps_first = found.shape[0] != len(frames) and found.shape[1] == len(frames)
        return np.swapaxes(found, 0, 1) if steps_first else found

    def _texts(self, frames: Frames, texts: Sequence[str]) -> list[Prediction]:
        return [TextPrediction(identifier=name, meta=meta, text=text) for (name, meta), text in zip(frames, texts)]


@adapter("beam_search_decoder")
class BeamSearch(_Decoder):
    """Text by CTC from scores [steps, samples, classes] or [samples, steps, classes]: the likeliest labelling."""

    beam_size: int = option(10, "how many prefixes are kept", low=1)
    blank_label: int | None = option(None, "the number of the blank [behind all characters]", low=0)
    softmaxed_probabilities: bool = option(False, "scores are probabilities, else logits or their logarithms")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        characters = self._characters(frames)
        scores = self._scores(outputs, frames).astype(np.float64)
        blank = len(characters) if self.blank_label is None else self.blank_label
        _check_blank(blank, scores, self.name)
        with np.errstate(divide="ignore"):
            log = np.log(scores if self.softmaxed_probabilities else softmax(scores))
        found = (self._text(beam_search(one, blank, self.beam_size), characters) for one in log[: len(frames)])
        return self._texts(frames, list(found))


@adapter("ctc_greedy_search_decoder")
class GreedySearch(_Decoder):
    """Text by CTC from scores [steps, samples, classes]: the best class of each step."""

    blank_label: int = option(0, "the number of the blank", low=0)
    shift_labels: bool = option(False, "characters are counted from the one behind a blank in front")
    steps_first: bool | None = option(
        None, "scores are [steps, samples, classes] [where the shape tells, else they are]"
    )

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        characters = self._characters(frames)
        scores = self._scores(outputs, frames, self.steps_first)
        _check_blank(self.blank_label, scores, self.name)
        shift = int(self.shift_labels)
        found = ([n - shift for n in greedy(one.argmax(axis=1), self.blank_label)] for one in scores[: len(frames)])
        return self._texts(frames, [self._text(f, characters) for f in found])


@adapter("ppocr")
class PpOcr(_Decoder):
    """Text by CTC from [samples, steps, classes] of PaddleOCR: class 0 is the blank, the last one a space.

    The vocabulary has the characters in between.
    """

    remove_duplicates: bool = option(True, "merge equal neighbours")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        listed = self._characters(frames)
        characters = {number + 1: text for number, text in listed.items()} | {len(listed) + 1: " "}
        found = []
        for one in self._scores(outputs, frames)[: len(frames)]:
            best = one.argmax(axis=1)
            numbers = greedy(best, 0) if self.remove_duplicates else [int(n) for n in best if n]
            found.append(self._text(numbers, characters))
        return self._texts(frames, found)


@adapter("simple_decoder")
class Simple(_Decoder):
    """The best class of each step [samples, steps, classes] as a character, up to the one that ends the text."""

    eos_label: str = option("[s]", "the character that ends the text")
    start_label: str | None = option(None, "one that stands in front of the vocabulary's")
    start_index: int = option(0, "the first step that counts", low=0)
    do_lower: bool = option(False, "in small letters")

    def _characters(self, frames: Frames) -> Mapping[int, str]:
        if self.vocabulary_file is None or self.custom_label_map is not None:
            return _Decoder._characters(self, frames)
        special = [s for s in (self.start_label, self.eos_label) if s is not None]
        return dict(enumerate([*special, *read_text(self.vocabulary_file).splitlines()]))

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        characters = self._characters(frames)
        found = []
        for one in self._scores(outputs, frames, steps_first=False)[: len(frames)]:
            text = self._text([int(n) for n in one[self.start_index :].argmax(axis=1)], characters)
            text = text.partition(self.eos_label)[0]
            found.append(text.lower() if self.do_lower else text)
        return self._texts(frames, found)


def _check_blank(blank: int, scores: Array, name: str) -> None:
    if blank >= scores.shape[2]:
        what = f"the blank is {blank}, the output has {scores.shape[2]} classes"
        raise UsageError(what, f"adapter '{name}'", "look at `blank_label` and the characters")
