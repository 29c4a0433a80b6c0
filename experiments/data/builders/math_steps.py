"""TFDS builder of MathQA with steps: word problems, their steps in words, five choices, from the BIG-bench archive."""

import json
from collections.abc import Iterator

import tensorflow_datasets as tfds

from experiments.data.builders.archived import Archived

MEMBER = "bigbench-1.0.0/bigbench/benchmark_tasks/elementary_math_qa/question_with_language_hint/task.json"


class MathSteps(Archived):
    def _info(self) -> tfds.core.DatasetInfo:
        text = tfds.features.Text()
        return self.dataset_info_from_configs(
            description="MathQA as BIG-bench ships it: 7,688 problems with the steps of their solution in words.",
            features=tfds.features.FeaturesDict(
                {"problem": text, "steps": text, "answer": text, "choices": tfds.features.Sequence(text)}
            ),
        )

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        ((_, content),) = self.members(MEMBER)
        for row, example in enumerate(json.loads(self.text(MEMBER, content))["examples"]):
            problem, _, steps = example["input"].partition("\n")
            (answer,) = [choice for choice, score in example["target_scores"].items() if score == 1]
            yield (
                row,
                {
                    "problem": problem.strip(),
                    "steps": steps.strip(),
                    "answer": answer,
                    "choices": list(example["target_scores"]),
                },
            )
