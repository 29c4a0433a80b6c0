"""TFDS builder of StrategyQA: yes/no questions and the facts that decide them, from the BIG-bench archive."""

import json
from collections.abc import Iterator

import tensorflow_datasets as tfds

from experiments.data.builders.archived import Archived

MEMBER = "bigbench-1.0.0/bigbench/benchmark_tasks/strategyqa/task.json"


class StrategyQA(Archived):
    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            description="StrategyQA as BIG-bench ships it: 2,290 questions; the answer begins with Yes or No.",
            features=tfds.features.FeaturesDict(
                {"question": tfds.features.Text(), "explanation": tfds.features.Text()}
            ),
        )

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        ((_, content),) = self.members(MEMBER)
        for row, example in enumerate(json.loads(self.text(MEMBER, content))["examples"]):
            yield row, {"question": example["input"].strip(), "explanation": example["target"].strip()}
