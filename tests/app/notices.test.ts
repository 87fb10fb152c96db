import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NoticeStore } from "../../src/app/stores/notices";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const texts = (notices: NoticeStore) => notices.list.get().map(({ text }) => text);

test("a notice goes away after eight seconds, or after as long as it was given", () => {
  const notices = new NoticeStore();
  notices.show("usual");
  notices.show("short", { lastsMs: 3000 });
  vi.advanceTimersByTime(2999);
  expect(texts(notices)).toEqual(["usual", "short"]);
  vi.advanceTimersByTime(1);
  expect(texts(notices)).toEqual(["usual"]);
  vi.advanceTimersByTime(4999);
  expect(texts(notices)).toEqual(["usual"]);
  vi.advanceTimersByTime(1);
  expect(texts(notices)).toEqual([]);
});

test("one that lasts until it is dismissed stays, and takes no other with it", () => {
  const notices = new NoticeStore();
  const stays = notices.show("stays", { lastsMs: Infinity });
  notices.show("goes");
  vi.advanceTimersByTime(1e9);
  expect(texts(notices)).toEqual(["stays"]);
  notices.dismiss(stays);
  expect(texts(notices)).toEqual([]);
});

test("one that is dismissed early is gone at once, and its time takes nothing that came later", () => {
  const notices = new NoticeStore();
  const early = notices.show("early");
  vi.advanceTimersByTime(4000);
  notices.dismiss(early);
  expect(texts(notices)).toEqual([]);
  notices.show("later");
  vi.advanceTimersByTime(4000); // when the first would have gone
  expect(texts(notices)).toEqual(["later"]);
});
