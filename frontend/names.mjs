/** Names that no one outside the widget's first bundle knows: they are shortened where it is built (tests/names.test.mjs). */

/** The Markdown parser's own. */
const PARSERS =
  "renderer|fence_start|fence_end|blockquote_idx|indent|indent_len|table_state|hr_chars|hr_char|add_token|end_token|add_text|set_attr|tokens|pending|spaces";
const OURS =
  "announcer|answering|askForPerson|awake|canBegin|canStop|composer|dressed|drafted|element|exchanges|greet|happened|hasEarlier|isAsking|isHidden|isMine|isNext|isOnline|isRateable|isSource|isSpoken|isWhole|jump|notes|panel|repaint|resized|restart|said|shown|spoken|staff|tellFacts|thread|toEnd|typed|unread|say|emit|again|recall";

export const INNER = `${PARSERS}|${OURS}`.split("|");
