import { describe, expect, test } from "vitest";
import { serverUrl } from "../../src/servers/url.ts";

describe("serverUrl()", () => {
  test.each([
    ["http", "/", "127.0.0.1", "http://127.0.0.1:8080/"],
    ["http", "", "127.0.0.1", "http://127.0.0.1:8080"],
    ["ws", "pty", "web", "ws://web:8080/pty"],
    ["https", "/a?b=c", "::1", "https://[::1]:8080/a?b=c"],
    ["", "", "127.0.0.1", "tcp://127.0.0.1:8080"],
  ])("protocol %j, path %j and host %j make %s", (protocol, path, host, url) => {
    expect(serverUrl({ protocol, path, transport: "tcp" }, host, 8080)).toBe(url);
  });
});
