#!/bin/sh
# Print a reply's events as they come, one line of JSON each: ./stream.sh "How long do I have to return something?"
# Where the line breaks it goes on from the last event, so that nothing is missing and nothing comes twice.
set -eu
message=$(printf '%s' "${1:?what do you want to ask?}" | sed 's/\\/\\\\/g; s/"/\\"/g')
name="$(date +%s)-$$"
work=$(mktemp -d)
trap 'kill "$curl" 2>/dev/null || true; rm -rf "$work"' EXIT
mkfifo "$work/stream"
chat='' last='' ended='' curl=''

# Run in the background, these become curl itself.
ask() {
  exec curl --silent --no-buffer --fail "$CHATWITHUS_URL/api/v1/chat" \
    -H "Authorization: Bearer $CHATWITHUS_KEY" -H "Content-Type: application/json" \
    -H "Accept: text/event-stream" -H "Idempotency-Key: $name" \
    -d "{\"agent\": \"$CHATWITHUS_AGENT\", \"message\": \"$message\"}"
}

go_on() {
  exec curl --silent --no-buffer --fail "$CHATWITHUS_URL/api/v1/chats/$chat/events" \
    -H "Authorization: Bearer $CHATWITHUS_KEY" -H "Last-Event-ID: $last"
}

listen() {
  id='' kind=''
  while [ -z "$ended" ] && IFS= read -r line; do
    case $line in
      "id: "*) id=${line#id: } ;;
      "event: "*) kind=${line#event: } ;;
      "data: "*)
        printf '%s\n' "${line#data: }"
        [ -z "$id" ] || last=$id
        case $kind in
          ack) chat=$(printf '%s' "$line" | sed 's/.*"chat":"\([^"]*\)".*/\1/') ;;
          reply.completed | reply.cancelled | reply.failed) ended=yes ;;
        esac ;;
      "") id='' kind='' ;;
    esac
  done
}

for attempt in 1 2 3 4 5 6 7 8 9 10; do
  if [ -z "$chat" ]; then ask >"$work/stream" & else go_on >"$work/stream" & fi
  curl=$!
  listen <"$work/stream"
  kill "$curl" 2>/dev/null || true
  wait "$curl" 2>/dev/null || true
  [ -z "$ended" ] || exit 0
  sleep 1
done
echo "Given up after $attempt attempts." >&2
exit 1
