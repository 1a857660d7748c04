/* global document, location, addEventListener */
// Shows the operations in whose text every word of the search stands, and opens what the address names.
const field = document.getElementById('search')
const found = document.getElementById('found')
const operations = [...document.querySelectorAll('details.operation')].map((element) => ({
  element,
  text: element.textContent.toLowerCase(),
}))

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean)
  let count = 0
  for (const { element, text } of operations) {
    const matches = words.every((word) => text.includes(word))
    element.hidden = !matches
    if (matches) count++
  }
  for (const section of document.querySelectorAll('main > section'))
    section.hidden = words.length > 0 && !section.querySelector('details.operation:not([hidden])')
  found.textContent = words.length === 0 ? '' : `${count} found`
}

function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (named?.tagName === 'DETAILS') named.open = true
  named?.scrollIntoView()
}

field.addEventListener('input', search)
addEventListener('hashchange', openNamed)
openNamed()
