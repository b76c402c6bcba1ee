// Small helpers to find and make elements.

/** Return the elements of a view that have a data-part, by its name. */
export function parts(root) {
  const found = {};
  for (const each of root.querySelectorAll("[data-part]")) found[each.dataset.part] = each;
  return found;
}

/**
 * Return a new element.
 * @param {string} name of its tag
 * @param {Record<string, any>} [properties] such as className; those with a dash are attributes
 * @param {...(Node | string)} children
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

/** Show a text in an element that is read out when it changes, unless it says the same already. */
export function say(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/** Return a function that calls another once there was silence for some milliseconds. */
export function settled(milliseconds, call) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...given), milliseconds);
  };
}
