// A server's own page for a result (MCP Apps, 2026-01-26) in a sandboxed frame, and the host that it talks to.
// props: file (its document), title, server, pictures (places from which it may load any), arguments, result, and listing,
// which is drawn where there is no document.
import { useEffect, useRef, useState } from "react"
import { Renderer } from "@/components/renderer"

// Comes before all else in the document: it may load nothing but these pictures, whatever it is made of.
const policy = (pictures) =>
  `default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob: ${pictures.join(" ")}; ` +
  "font-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'"
const SHORTEST = 120
const TALLEST = 4000
const LONGEST_MESSAGE = 2000
const METHOD_NOT_FOUND = -32601
const QUIET_MS = 1000
const LONGEST_SILENCE_MS = 5000
const LONGEST_WAIT_MS = 20_000

function Card({ chat, ...props }) {
  const box = useRef(null)
  const frame = useRef(null)
  const host = useRef(chat)
  host.current = chat
  const [source, setSource] = useState("")
  const [fallback, setFallback] = useState("")
  const [height, setHeight] = useState(0) // before it has told one
  const [nAwaited, setAwaited] = useState(1) // the document, and what it asks for
  const [isSettling, setSettling] = useState(true)

  useEffect(() => {
    const read = (path) => fetch(path).then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
    read(`/public/cards/${encodeURIComponent(props.file)}`).then(
      (document) => setSource(`<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy(props.pictures ?? [])}">${document}`),
      () => read("/public/elements/Listing.jsx").then(setFallback).finally(() => setAwaited(0)),
    )
  }, [])

  // What is below a card that still grows would move away from under a finger: it waits, but not for ever.
  const isAwaited = nAwaited > 0 || Boolean(source && !height)
  useEffect(() => {
    const timer = setTimeout(() => setSettling(false), isAwaited ? LONGEST_SILENCE_MS : QUIET_MS)
    return () => clearTimeout(timer)
  }, [height, isAwaited, nAwaited, source])
  useEffect(() => {
    const timer = setTimeout(() => setSettling(false), LONGEST_WAIT_MS)
    return () => clearTimeout(timer)
  }, [])

  // A frame that is out of view is not drawn, and tells no height: until it has settled, it is drawn elsewhere, unseen.
  const [isInView, setInView] = useState(false)
  const [width, setWidth] = useState(undefined)
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setInView(entries[entries.length - 1].isIntersecting))
    const resizes = new ResizeObserver(() => setWidth(box.current?.clientWidth)) // as when the list of conversations opens
    observer.observe(box.current)
    resizes.observe(box.current)
    return () => [observer, resizes].forEach((each) => each.disconnect())
  }, [])
  const isUnseen = isSettling && !isInView
  const unseen = { position: "fixed", top: 0, left: 0, width, opacity: 0, pointerEvents: "none" }

  // As the frame grows, so does the conversation, which Chainlit measures at a change of size.
  useEffect(() => void window.dispatchEvent(new Event("resize")), [height, isUnseen, fallback])

  useEffect(() => {
    const send = (message) => frame.current?.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*")
    const tell = (method, params) => send({ method: `ui/notifications/${method}`, params })
    const receive = async ({ source: sender, data }) => {
      if (!frame.current || sender !== frame.current.contentWindow || data?.jsonrpc !== "2.0") return
      const { id, method, params = {} } = data
      if (method === "ui/notifications/initialized") {
        tell("tool-input", { arguments: props.arguments })
        tell("tool-result", props.result)
        setAwaited((n) => n - 1)
      } else if (method === "ui/notifications/size-changed") {
        if (params.height > 0) setHeight(Math.min(Math.ceil(params.height), TALLEST))
      } else if (id !== undefined && method !== undefined) {
        setAwaited((n) => n + 1)
        try {
          send({ id, result: await answer(method, params, props.server, frame.current, host.current) })
        } catch (error) {
          send({ id, error: { code: error.code ?? -32000, message: error.message } })
        } finally {
          setAwaited((n) => n - 1)
        }
      }
    }
    window.addEventListener("message", receive)
    const themes = new MutationObserver(() => tell("host-context-changed", look()))
    themes.observe(document.documentElement, { attributeFilter: ["class", "style"] })
    return () => {
      window.removeEventListener("message", receive)
      themes.disconnect()
    }
  }, [])

  const card = fallback ? (
    <Renderer sourceCode={fallback} props={{ ...props.listing, ask: chat.sendUserMessage }} />
  ) : source ? (
    <iframe ref={frame} className="card-frame" title={props.title} srcDoc={source} sandbox="allow-scripts" referrerPolicy="no-referrer"
      allow="" style={{ height: (height || SHORTEST) + 2 /* with its border */, ...(isUnseen && unseen) }} />
  ) : null
  return (
    <div ref={box} data-settling={isSettling || undefined} style={isUnseen ? { height: height || SHORTEST } : undefined}>
      {card}
    </div>
  )
}

async function answer(method, params, server, frame, { callAction, sendUserMessage }) {
  switch (method) {
    case "ui/initialize":
      return {
        protocolVersion: "2026-01-26",
        hostInfo: { name: "recsys-agent", version: "1" },
        hostCapabilities: { serverTools: {}, message: { text: {} } },
        hostContext: { ...look(), displayMode: "inline", availableDisplayModes: ["inline"], platform: "web" },
      }
    case "tools/call": {
      const payload = { server, name: params.name, arguments: params.arguments ?? {} }
      const { response } = await callAction({ name: "call_tool", payload })
      return response
    }
    case "ui/message": {
      const text = (params.content ?? []).map((block) => block.text ?? "").join("\n").trim()
      // Words of the person: a card may say them only when the person is in it and has just pressed something.
      const pressed = document.activeElement === frame && navigator.userActivation.isActive
      if (!pressed || !text || text.length > LONGEST_MESSAGE) return { isError: true }
      sendUserMessage(text)
      return {}
    }
    case "ui/request-display-mode":
      return { mode: "inline" }
    case "ui/open-link": // nothing leads out of this page by itself
      return { isError: true }
    case "ping":
      return {}
    default:
      throw Object.assign(new Error(`there is no ${method}`), { code: METHOD_NOT_FOUND })
  }
}

/** The page's colours, by the names that MCP Apps have for them. */
function look() {
  const of = (name) => `hsl(${getComputedStyle(document.documentElement).getPropertyValue(name)})`
  const variables = {
    "--color-background-primary": of("--card"),
    "--color-background-secondary": of("--background"),
    "--color-text-primary": of("--foreground"),
    "--color-text-secondary": of("--muted-foreground"),
    "--color-border-primary": of("--border"),
  }
  return { theme: document.documentElement.classList.contains("dark") ? "dark" : "light", styles: { variables } }
}

// This file is run again whenever Chainlit's functions change, as with every message: with a component of its own each
// time, all frames would be loaded again.
const Lasting = (globalThis.recsysCard ??= Card)
export default <Lasting {...props} chat={{ callAction, sendUserMessage }} />
