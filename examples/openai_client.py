"""Talk to an agent through OpenAI's own client: python openai_client.py "How long do I have to return something?" """

import os
import sys

from openai import OpenAI

client = OpenAI(
    base_url=f"{os.environ['CHATWITHUS_URL']}/api/v1/openai", api_key=os.environ["CHATWITHUS_KEY"]
)
answer = client.chat.completions.create(
    model=os.environ["CHATWITHUS_AGENT"],
    messages=[{"role": "user", "content": sys.argv[1]}],
    stream=True,
)
for chunk in answer:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
