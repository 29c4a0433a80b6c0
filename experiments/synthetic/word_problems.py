"""Word problems from templates: a problem, the steps of its solution in words, its answer."""

import numpy as np

NAMES = ("mina", "tom", "aisha", "piet", "luz", "ivan", "noor", "otto", "wei", "sara", "jonas", "ama")
THINGS = ("apples", "stamps", "pencils", "marbles", "tickets", "cards", "shells", "books", "eggs", "tiles")
# (problem, steps, answer); a, b, c are numbers, n a name, t things; a is a multiple of b where that is needed
TEMPLATES = (
    (
        "{n} has {a} {t} and gives {b} of them away . how many {t} are left ?",
        "subtract {b} from {a}.",
        lambda a, b, c: a - b,
    ),
    (
        "{n} packs {a} {t} into boxes of {b} . how many boxes are full ?",
        "divide {a} by {b}.",
        lambda a, b, c: a // b,
    ),
    (
        "every day {n} collects {b} {t} . how many {t} are there after {c} days ?",
        "multiply {b} by {c}.",
        lambda a, b, c: b * c,
    ),
    (
        "{n} owns {a} {t} , finds {b} more and then loses {c} . how many {t} does {n} own now ?",
        "add {b} to {a}, subtract {c} from the result.",
        lambda a, b, c: a + b - c,
    ),
    (
        "a shop sells {t} at {b} dollars each . {n} buys {c} of them and pays with {a} dollars . what is the change ?",
        "multiply {b} by {c}, subtract the result from {a}.",
        lambda a, b, c: a - b * c,
    ),
    (
        "{n} drives at {b} km an hour for {c} hours and then {a} km more . how far is the whole way ?",
        "multiply {b} by {c}, add {a} to the result.",
        lambda a, b, c: a + b * c,
    ),
    (
        "a rectangle is {b} m wide and {c} m longer than that . what is its area in square metres ?",
        "add {b} to {c}, multiply the result by {b}.",
        lambda a, b, c: b * (b + c),
    ),
    (
        "{n} reads {b} pages a day of a book of {a} pages . how many days does the book last ?",
        "divide {a} by {b}.",
        lambda a, b, c: a // b,
    ),
    (
        "{c} children share {a} {t} and {b} {t} are added for each child . how many {t} are there in the end ?",
        "multiply {c} by {b}, add {a} to the result.",
        lambda a, b, c: a + b * c,
    ),
    (
        "a tank holds {a} litres . {b} litres flow out every minute for {c} minutes . how many litres remain ?",
        "multiply {b} by {c}, subtract the result from {a}.",
        lambda a, b, c: a - b * c,
    ),
    (
        "{n} earns {b} dollars an hour and works {c} hours on each of 5 days . what does {n} earn in the week ?",
        "multiply {b} by {c}, multiply the result by 5.",
        lambda a, b, c: 5 * b * c,
    ),
    (
        "a rope of {a} m is cut into pieces of {b} m , and {c} pieces are used . how many pieces are left ?",
        "divide {a} by {b}, subtract {c} from the result.",
        lambda a, b, c: a // b - c,
    ),
)


def problems(count: int, kinds: int, rng: np.random.Generator) -> list[tuple[int, str, str, str]]:
    """(template, problem, steps, answer) of that many problems from the first `kinds` templates, equally likely.

    Raises ValueError for more templates than there are.
    """
    if not 1 <= kinds <= len(TEMPLATES):
        raise ValueError(f"{kinds} templates of word problems, expected 1 to {len(TEMPLATES)}")
    made = []
    for kind in rng.integers(kinds, size=count):
        b, c, more = int(rng.integers(2, 13)), int(rng.integers(2, 10)), int(rng.integers(0, 9))
        words = {"a": b * (c + more + 1), "b": b, "c": c}
        problem, steps, answer = TEMPLATES[kind]
        named = words | {"n": NAMES[rng.integers(len(NAMES))], "t": THINGS[rng.integers(len(THINGS))]}
        made.append((int(kind), problem.format(**named), steps.format(**named), str(answer(**words))))
    return made
