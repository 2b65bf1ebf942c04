"""Wrong answers to the exercises of lesson 17, and words of the message that each should get."""

import math

import numpy as np

Law = tuple[float, float, float, float, float]


def _fitted(
    sizes: np.ndarray, losses: np.ndarray, logs: bool = False, tries: int = 2000
) -> tuple[float, float, float]:
    best = (math.inf, 0.0, 0.0, 0.0)
    for floor in np.linspace(0, losses.min(), tries, endpoint=False):
        slope, height = np.polyfit(np.log(sizes), np.log(losses - floor), 1)
        line = height + slope * np.log(sizes)
        off = line - np.log(losses - floor) if logs else floor + np.exp(line) - losses
        best = min(best, (float(np.square(off).sum()), float(floor), float(height), float(slope)))
    return best[1], best[2], best[3]


def slope_as_it_is(sizes: np.ndarray, losses: np.ndarray) -> tuple[float, float, float]:
    floor, height, slope = _fitted(sizes, losses)
    return floor, math.exp(height), slope


def height_as_it_is(sizes: np.ndarray, losses: np.ndarray) -> tuple[float, float, float]:
    floor, height, slope = _fitted(sizes, losses)
    return floor, height, -slope


def no_floor(sizes: np.ndarray, losses: np.ndarray) -> tuple[float, float, float]:
    slope, height = np.polyfit(np.log(sizes), np.log(losses), 1)
    return 0.0, math.exp(height), -slope


def errors_of_logarithms(sizes: np.ndarray, losses: np.ndarray) -> tuple[float, float, float]:
    floor, height, slope = _fitted(sizes, losses, logs=True)
    return floor, math.exp(height), -slope


def few_floors(sizes: np.ndarray, losses: np.ndarray) -> tuple[float, float, float]:
    floor, height, slope = _fitted(sizes, losses, tries=10)
    return floor, math.exp(height), -slope


def _parts(V: int, C: int, layers: int, places: int) -> tuple[int, int, int, int]:
    return layers * 12 * C * C + C * V, layers * 9 * C, (2 * layers + 1) * 2 * C, (V + places) * C


def without_biases(V: int, C: int, layers: int, places: int, tokens: int) -> tuple[int, int]:
    matrices, _, norms, tables = _parts(V, C, layers, places)
    return matrices + norms + tables, 6 * matrices * tokens


def without_last_norm(V: int, C: int, layers: int, places: int, tokens: int) -> tuple[int, int]:
    parts = _parts(V, C, layers, places)
    return sum(parts) - 2 * C, 6 * parts[0] * tokens


def every_weight(V: int, C: int, layers: int, places: int, tokens: int) -> tuple[int, int]:
    parts = _parts(V, C, layers, places)
    return sum(parts), 6 * sum(parts) * tokens


def only_forward(V: int, C: int, layers: int, places: int, tokens: int) -> tuple[int, int]:
    parts = _parts(V, C, layers, places)
    return sum(parts), 2 * parts[0] * tokens


def no_output(V: int, C: int, layers: int, places: int, tokens: int) -> tuple[int, int]:
    parts = _parts(V, C, layers, places)
    return sum(parts), 6 * (parts[0] - C * V) * tokens


def _free(law: Law, product: float) -> tuple[float, float]:
    _, A, alpha, B, beta = law
    N = (alpha * A / (beta * B) * product**beta) ** (1 / (alpha + beta))
    return N, product / N


def _loss(law: Law, N: float, D: float) -> float:
    floor, A, alpha, B, beta = law
    return floor + A / N**alpha + B / D**beta


def without_six(law: Law, budget: float, most: float) -> tuple[float, float, float]:
    N, D = _free(law, budget)
    return N, D, _loss(law, N, D)


def unlimited(law: Law, budget: float, most: float) -> tuple[float, float, float]:
    N, D = _free(law, budget / 6)
    return N, D, _loss(law, N, D)


def cut_off(law: Law, budget: float, most: float) -> tuple[float, float, float]:
    N, D = _free(law, budget / 6)
    return N, min(D, most), _loss(law, N, min(D, most))


def without_floor(law: Law, budget: float, most: float) -> tuple[float, float, float]:
    N, D = _free(law, budget / 6)
    if most < D:
        N, D = budget / (6 * most), most
    return N, D, _loss(law, N, D) - law[0]


def half_and_half(law: Law, budget: float, most: float) -> tuple[float, float, float]:
    N = math.sqrt(budget / 6)
    D = min(N, most)
    return budget / (6 * D), D, _loss(law, budget / (6 * D), D)


WRONG = [
    ("power_law", slope_as_it_is, "wrong sign"),
    ("power_law", height_as_it_is, "as its logarithm"),
    ("power_law", no_floor, "floor of 0"),
    ("power_law", errors_of_logarithms, "errors of the logarithms"),
    ("power_law", few_floors, "1,000 floors"),
    ("transformer_cost", without_biases, "biases of the matrices"),
    ("transformer_cost", without_last_norm, "the last norm"),
    ("transformer_cost", every_weight, "looked up"),
    ("transformer_cost", only_forward, "goes back too"),
    ("transformer_cost", no_output, "output matrix"),
    ("best_size", without_six, "costs 6 N D"),
    ("best_size", unlimited, "more tokens than there are"),
    ("best_size", cut_off, "left over"),
    ("best_size", without_floor, "the law has"),
    ("best_size", half_and_half, "the loss is lower"),
]
