import { byId, h } from "./dom.ts";

const MARGIN = 8;

/** What is explained, term by term. */
export type Tip = readonly (readonly [term: string, meaning: string])[];

const tips = new WeakMap<Element, Tip>();
let shown: HTMLElement | undefined;

/** Explains an element on hover, focus and tap; Escape hides it. The element must be able to have the focus. */
export function explain(element: HTMLElement, tip: Tip): void {
  tips.set(element, tip);
  element.addEventListener("pointerenter", ({ pointerType }) => {
    if (pointerType === "mouse") show(element);
  });
  element.addEventListener("pointerleave", ({ pointerType }) => {
    if (pointerType === "mouse" && document.activeElement !== element) hide();
  });
  element.addEventListener("focus", () => show(element));
  element.addEventListener("blur", hide);
  element.addEventListener("click", () => show(element));
}

/** What takes an explanation away besides leaving its element. */
export function watchTips(): void {
  addEventListener("keydown", ({ key }) => {
    if (key === "Escape") hide();
  });
  // To focus an element may scroll it into view: the explanation goes with it.
  addEventListener("scroll", () => follow(), { passive: true, capture: true });
}

function show(element: HTMLElement): void {
  const tip = tips.get(element);
  if (tip === undefined || shown === element) return;
  hide();
  const box = byId("tip");
  box.replaceChildren(h("dl", {}, ...tip.flatMap(([term, meaning]) => [h("dt", {}, term), h("dd", {}, meaning)])));
  element.setAttribute("aria-describedby", "tip");
  shown = element;
  box.showPopover();
  place(box, element.getBoundingClientRect());
}

function follow(): void {
  if (shown?.isConnected === false) hide();
  else if (shown !== undefined) place(byId("tip"), shown.getBoundingClientRect());
}

/** Below the element or else above it, inside of the window. */
function place(box: HTMLElement, anchor: DOMRect): void {
  const { width, height } = box.getBoundingClientRect();
  const below = anchor.bottom + MARGIN;
  const top = below + height > innerHeight - MARGIN ? Math.max(MARGIN, anchor.top - height - MARGIN) : below;
  const left = Math.max(MARGIN, Math.min(anchor.left, document.documentElement.clientWidth - width - MARGIN));
  box.style.top = `${top}px`;
  box.style.left = `${left}px`;
}

function hide(): void {
  shown?.removeAttribute("aria-describedby");
  shown = undefined;
  const box = byId("tip");
  if (box.matches(":popover-open")) box.hidePopover();
}
