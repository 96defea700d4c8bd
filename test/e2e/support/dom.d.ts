// The types of playwright-core name four of the DOM's. They are declared here, as types without members, because
// the DOM library itself would put `window` and a few hundred other globals within reach of `src`.
interface Node {}
interface HTMLElement {}
interface SVGElement {}
interface HTMLElementTagNameMap {}
