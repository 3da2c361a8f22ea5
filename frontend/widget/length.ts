/** Characters as the server counts them: code points. */
export const LIMIT = 4000;
export const WARN_FROM = 3600;

export const characters = (text: string): number => Array.from(text).length;
