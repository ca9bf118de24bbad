"""Text checks, token meter, near duplicates and embeddings, on made-up pairs (benchmarks/samples.py)."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from benchmarks.places import embedder, starter_model
from benchmarks.rows import Row, count_from
from benchmarks.samples import Sample, samples
from ml.checks import CheckContext, run_checks
from ml.near_duplicates import near_duplicates
from ml.prompting import Example, Template, Tokenizer, encode_pair

CHECKED = 5_000
METERED = 2_000
EMBEDDED = 300
COMPARED = 100_000


def rows() -> Iterator[Row]:
    yield checks_row(list(samples(count_from("BENCH_CHECKED", CHECKED))))
    yield meter_row(list(samples(count_from("BENCH_METERED", METERED))))
    yield near_row([sample.text for sample in samples(count_from("BENCH_COMPARED", COMPARED))])
    yield embed_row([sample.response for sample in samples(count_from("BENCH_EMBEDDED", EMBEDDED))])


def core_seconds(action: Callable[[], object]) -> float:
    """Processor time of this process: a busy machine does not change what one core does in a second of work."""
    start = time.process_time()
    action()
    return max(time.process_time() - start, 1e-9)


def checks_row(pairs: Sequence[Sample]) -> Row:
    context = CheckContext(language="en", field="instruction")

    def check() -> None:
        for pair in pairs:
            prompt = f"{pair.instruction}\n{pair.input}"
            run_checks(pair.instruction, context)
            run_checks(pair.input, replace(context, field="input"))
            answer = replace(context, field="response", prompt=prompt, instruction=pair.instruction, source=pair.input)
            run_checks(pair.response, answer)

    check()  # the dictionary is read once in a process
    rate = len(pairs) / core_seconds(check)
    return Row("text checks of a pair, no suggestions", f"{rate:,.0f} pairs/s a core", "≥ 1,000", held=rate >= 1_000)


def meter_row(pairs: Sequence[Sample]) -> Row:
    model = starter_model()
    if model is None:
        return Row("token meter", "not measured: no starter model", "measured")
    tokenizer, template = Tokenizer.load(model), Template()
    examples = [
        Example(id="0", instruction=pair.instruction, input=pair.input, response=pair.response) for pair in pairs
    ]

    def meter() -> None:
        for example in examples:
            encode_pair(example, template, tokenizer, 1024)

    meter()
    rate = len(pairs) / core_seconds(meter)
    return Row("token meter, with the chat template", f"{rate:,.0f} pairs/s a core", "measured")


def near_row(texts: Sequence[str]) -> Row:
    start = time.perf_counter()
    spent = core_seconds(lambda: near_duplicates(texts))
    seconds = time.perf_counter() - start
    what = f"near duplicates of {len(texts):,} pairs"
    return Row(what, f"{seconds:.1f} s ({spent:.1f} s of one core)", "≤ 60 s", held=seconds <= 60)


def embed_row(texts: Sequence[str]) -> Row:
    folder = embedder()
    if folder is None:
        return Row("embeddings", "not measured: no embedding model", "measured")
    from ml.embed import Embedder  # torch: only where a model is there to be measured

    model = Embedder(folder)
    model.embed(texts[:32])
    start = time.perf_counter()
    model.embed(texts)
    return Row("embeddings, all-minilm-l6-v2", f"{len(texts) / (time.perf_counter() - start):,.0f} texts/s", "measured")
