type Child = Node | string;

/** An element with attributes and children; text is always text, never markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A button that does something on the page. */
export function button(label: string, attributes: Readonly<Record<string, string>>, onClick: () => void): HTMLElement {
  const element = h("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", onClick);
  return element;
}

/** Writes only what changed, so that a screen reader and the layout are left in peace. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The element of the page with this id; the page is broken without it. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new ReferenceError(`the page has no element #${id}`);
  return element;
}

/** The dialog of the page with this id. */
export function dialogById(id: string): HTMLDialogElement {
  const element = byId(id);
  if (element instanceof HTMLDialogElement) return element;
  throw new ReferenceError(`#${id} is no dialog`);
}

/** Keeps one child element per key in the order of the items, without touching those that stay. */
export function keyed<T, V extends { readonly element: Element }>(
  parent: Element,
  views: Map<string, V>,
  items: readonly T[],
  options: { key: (item: T) => string; create: (item: T) => V; update: (view: V, item: T) => void },
): void {
  const keys = items.map(options.key);
  const wanted = new Set(keys);
  for (const [key, view] of views) {
    if (wanted.has(key)) continue;
    view.element.remove();
    views.delete(key);
  }
  for (const [index, item] of items.entries()) {
    const key = keys[index] ?? "";
    const view = views.get(key) ?? options.create(item);
    views.set(key, view);
    if (parent.children[index] !== view.element) parent.insertBefore(view.element, parent.children[index] ?? null);
    options.update(view, item);
  }
}
