const PATIENCE_MS = 8000;

export interface Greeted {
  wasOpen: boolean;
  isGreeted: boolean;
  /** The code with which the server closed it; 0 where it did not. */
  code: number;
}

let known: Promise<Greeted> | undefined;

/** Says hello on a socket as the widget does, once for all checks. */
export const greeted = (host: string, agent: string): Promise<Greeted> => {
  known ??= greet(`${host.replace(/^http/, "ws")}/ws/chat/${encodeURIComponent(agent)}`);
  return known;
};

function greet(url: string): Promise<Greeted> {
  return new Promise((done) => {
    const found = { wasOpen: false, isGreeted: false, code: 0 };
    const socket = new WebSocket(url);
    const end = () => {
      clearTimeout(patience);
      done(found);
      socket.close();
    };
    const patience = setTimeout(end, PATIENCE_MS);
    socket.onopen = () => {
      found.wasOpen = true;
      socket.send(JSON.stringify({ v: 1, type: "hello" }));
    };
    socket.onmessage = ({ data }) => {
      found.isGreeted = JSON.parse(data).type === "welcome";
      if (found.isGreeted) end();
    };
    socket.onclose = ({ code }) => {
      found.code = code;
      end();
    };
  });
}
