/** Ways around a barred WebSocket, a bundle of its own: who can have the socket never loads it. */

export { openPost } from "./post";
export { openStream } from "./stream";
