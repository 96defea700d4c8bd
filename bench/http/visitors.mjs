// The visitors of a server: each has logged in and sends its cookies from then on.

/** The Cookie headers of so many visitors, or none where the server sets no cookie. */
export async function logIn(url, count) {
  const headers = []
  for (let visitor = 0; visitor < count; visitor++) {
    const response = await fetch(`${url}/login`)
    await response.text()
    if (!response.ok) throw new Error(`the login was answered with ${response.status}`)
    const cookies = response.headers
      .getSetCookie()
      .filter((line) => !/; *max-age=0(;|$)/i.test(line))
      .map((line) => line.split(';', 1)[0])
    headers.push(cookies.join('; '))
  }
  return headers
}

/** Throws unless the server does what it is measured for: a benchmark of errors is fast. */
export async function checkVisits(url, cookie, { keeps }) {
  const headers = { cookie }
  const get = async (path) => {
    const response = await fetch(url + path, { headers })
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}`)
    return response.json()
  }
  const { name } = await get('/read')
  const [first, second] = [await get('/count'), await get('/count')]
  const counted = second.n - first.n === (keeps ? 1 : 0) && first.n === 1
  if (name !== 'Ada Lovelace' || !counted) throw new Error('the server does not keep its sessions')
}
