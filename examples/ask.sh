#!/bin/sh
# Ask an agent and print the answer: ./ask.sh "How long do I have to return something?"
set -eu
message=$(printf '%s' "${1:?what do you want to ask?}" | sed 's/\\/\\\\/g; s/"/\\"/g')

# The key names this request: however often curl has to try, it is asked once.
curl --silent --show-error --retry 5 --retry-all-errors "$CHATWITHUS_URL/api/v1/chat" \
  -H "Authorization: Bearer $CHATWITHUS_KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: $(date +%s)-$$" \
  -d "{\"agent\": \"$CHATWITHUS_AGENT\", \"message\": \"$message\"}"
