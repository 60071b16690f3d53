/** JSON of what the hub tells, made once however many sockets it is written to. */
import type { TroupeEvent } from "../model/workspace.ts";
import type { ChannelRecord, StateRecord } from "./records.ts";

// Weak, so that the text lives as long as the event is remembered and not longer.
const events = new WeakMap<TroupeEvent, string>();
const records = new WeakMap<ChannelRecord | StateRecord, string>();

/** The event as JSON. It is the same string for every topic and subscriber that tells this event. */
export function eventJson(event: TroupeEvent): string {
  return memoised(events, event, JSON.stringify);
}

/** The record as a JSON object that begins with the subscription's `id`. All but the id is shared. */
export function recordFrame(id: string, record: ChannelRecord | StateRecord): string {
  return `{"id":${JSON.stringify(id)},${memoised(records, record, bodyOf)}`;
}

/** All of the record's JSON after the opening brace. */
function bodyOf(record: ChannelRecord | StateRecord): string {
  if (record.type !== "events") return JSON.stringify(record).slice(1);
  return `"type":"events","cursor":${JSON.stringify(record.cursor)},"events":[${record.events.map(eventJson).join(",")}]}`;
}

function memoised<Key extends object>(memo: WeakMap<Key, string>, key: Key, encode: (key: Key) => string): string {
  const known = memo.get(key);
  if (known !== undefined) return known;
  const text = encode(key);
  memo.set(key, text);
  return text;
}
