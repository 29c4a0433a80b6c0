"""TFDS builder of the CIFAR-10 test subset: the 10,000 test images of CIFAR-10, from the BIG-bench archive."""

import base64
import io
import json
from collections.abc import Iterator

import tensorflow_datasets as tfds

from experiments.data.builders.archived import Archived

MEMBER = "bigbench-1.0.0/bigbench/benchmark_tasks/cifar10_classification/base64/task.json"
LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class Cifar10Test(Archived):
    SPLIT = "test"

    def _info(self) -> tfds.core.DatasetInfo:
        words, page = "The 10,000 test images of CIFAR-10, as BIG-bench ships them.", "https://www.cs.toronto.edu/~kriz"
        return self.image_info(words, f"{page}/cifar.html", (32, 32, 3), tfds.features.ClassLabel(names=LABELS))

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        ((_, content),) = self.members(MEMBER)
        examples = json.loads(content)["examples"]
        for row, example in enumerate(examples):
            (label,) = [name for name, score in example["target_scores"].items() if score == 1]
            yield row, {"image": io.BytesIO(base64.b64decode(example["input"])), "label": label}
