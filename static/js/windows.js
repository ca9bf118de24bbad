/** This window, from when it is loaded until it is left, by a name of its own: what it saves and keeps is told apart by it. */
export const here = [...crypto.getRandomValues(new Uint32Array(2))].map((part) => part.toString(36)).join("-");
