// Buttons below an answer; props: question (the ID of the message that asked), model (the name of the one that answers,
// where there are others) and, where there is an answer, text, lists (as in Listing), the tool of the last list and the ID
// of its step, and the IDs of the steps beside it. What goes on with a conversation is offered below its last answer only.
// Nothing is known of any catalogue.
import { messagesState, modesState, useChatData, useChatInteract, useChatMessages } from "@chainlit/react-client"
import { Check, Copy, RotateCcw, Save, Table } from "lucide-react"
import { useEffect, useMemo, useRef, useState } from "react"
import { useRecoilValue, useSetRecoilState } from "recoil"
import { toast } from "sonner"

const RECOMMENDS = /recommend|suggest|similar|rank|top_k/i
const LONGEST_CATEGORY = 30
const LONGEST_LABEL = 40

function FollowUps({ chat, question, model: answering, text, lists = [], tool = "", step, beside = [] }) {
  const { messages } = useChatMessages()
  const outputs = [step, ...beside].map((id) => outputOf(messages, id))
  const [result, ...others] = useMemo(() => outputs.map((output) => JSON.parse(output || "{}")), outputs)
  const rows = lists[lists.length - 1]?.rows ?? []
  const entries = entriesOf(result, rows.length)
  const questions = entries.length > 0 ? questionsOf(tool, rows[0], withMore(entries, others)) : []
  const { disabled } = useChatData() // while an answer comes, and while there is no connection
  const { editMessage } = useChatInteract()
  const setMessages = useSetRecoilState(messagesState)
  const [isCopied, setIsCopied] = useState(false)
  useEffect(() => void window.dispatchEvent(new Event("resize")), []) // as in Listing
  const last = messages.findLast((message) => message.type === "user_message")
  const isLast = last?.id === question

  // Of a question that is asked again, the server does not hear which model is chosen now.
  const options = useRecoilValue(modesState).find((mode) => mode.id === "model")?.options ?? []
  const model = options.find((option) => option.default)?.id
  const before = useRef(model)
  useEffect(() => {
    if (isLast && model && before.current && before.current !== model) chat.callAction({ name: "choose_model", payload: { model } })
    before.current = model
  }, [model, isLast])

  const copy = async () => {
    try {
      await copyText([text, ...lists.map(asText)].join("\n\n"))
    } catch (error) {
      toast.error(`The answer could not be copied: ${error.message}`)
      return
    }
    setIsCopied(true)
    setTimeout(() => setIsCopied(false), 2000)
  }
  // As Chainlit's page does when a question is edited: what was said after it goes.
  const retry = () => {
    setMessages((all) => [...all.slice(0, all.findIndex((each) => each.id === last.id)), { ...last, steps: [] }])
    editMessage(last)
  }
  const save = async () => {
    const { response } = await chat.callAction({ name: "transcript", payload: {} })
    if (response) download(response, "conversation.md", "text/markdown")
    else toast.error("Nothing of this conversation is kept yet.")
  }
  return (
    <div className="follow-ups">
      {isLast && questions.length > 0 && (
        <div className="follow-ups-questions">
          {questions.map(([label, asked]) => (
            <button key={asked} type="button" disabled={disabled} title={asked} onClick={() => chat.sendUserMessage(asked)}>
              {label}
            </button>
          ))}
        </div>
      )}
      <div className="follow-ups-tools">
        {text && (
          <button type="button" onClick={copy}>
            {isCopied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />} {isCopied ? "Copied" : "Copy"}
          </button>
        )}
        {entries.length > 0 && (
          <button type="button" onClick={() => download(`\ufeff${csvOf(entries)}`, "list.csv", "text/csv")}>
            <Table aria-hidden="true" /> Save as CSV
          </button>
        )}
        {isLast && (
          <button type="button" disabled={disabled} onClick={retry}>
            <RotateCcw aria-hidden="true" /> Try again
          </button>
        )}
        {isLast && (
          <button type="button" disabled={disabled} onClick={save}>
            <Save aria-hidden="true" /> Save conversation
          </button>
        )}
        {answering && <span title="The model that answered">{answering}</span>}
      </div>
    </div>
  )
}

// What a step has returned; it may be inside others.
function outputOf(steps, id) {
  for (const each of steps) {
    const output = each.id === id ? each.output : outputOf(each.steps ?? [], id)
    if (output !== undefined) return output
  }
}

const isEntry = (each) => each && typeof each === "object" && !Array.isArray(each)

// The things with what other results say of them, by their IDs.
function withMore(entries, beside) {
  const idOf = (entry) => Object.entries(entry).find(([key]) => /(^|_)id$/i.test(key))?.[1]
  const others = beside.flatMap((result) => Object.values(result).filter(Array.isArray).flat().filter(isEntry))
  const more = (id) => Object.assign({}, ...(id == null ? [] : others.filter((each) => idOf(each) === id)))
  return entries.map((entry) => ({ ...more(idOf(entry)), ...entry }))
}

// The things behind a list, with all their fields.
function entriesOf(result, length) {
  const isList = (value) => Array.isArray(value) && value.length > 0 && value.length === length && value.every(isEntry)
  const found = Object.values(result).find(isList) ?? []
  return found.map(({ details, ...own }) => (isEntry(details) ? { ...own, ...details } : details ? { ...own, details } : own))
}

function questionsOf(tool, first, entries) {
  const hasReasons = entries.some((entry) => Object.values(entry).some((value) => Array.isArray(value) && value.some(isEntry)))
  const questions = RECOMMENDS.test(tool) && !hasReasons ? [["Why these?", "Why these?"]] : []
  if (first.id) {
    const like = `More like ${first.name}`
    const label = like.length > LONGEST_LABEL ? `${like.slice(0, LONGEST_LABEL - 1).trimEnd()}…` : like
    questions.push([label, `${like} (ID ${first.id})`])
  }
  const category = commonest(entries)
  if (category) questions.push([`Without ${category}`, `The same without ${category}`])
  return questions
}

// The short text that most things have in a list of theirs, but not all of them.
function commonest(entries) {
  const counts = {}
  for (const entry of entries) {
    const texts = Object.values(entry).filter(Array.isArray).flat().filter((each) => typeof each === "string")
    for (const text of new Set(texts)) if (text.length <= LONGEST_CATEGORY) counts[text] = (counts[text] ?? 0) + 1
  }
  const shared = Object.entries(counts).filter(([, count]) => count > 1 && count < entries.length)
  return shared.sort(([, a], [, b]) => b - a)[0]?.[0]
}

function csvOf(entries) {
  const keys = [...new Set(entries.flatMap(Object.keys))]
  return [keys, ...entries.map((entry) => keys.map((key) => entry[key]))].map((cells) => cells.map(cell).join(",")).join("\r\n")
}

function cell(value) {
  let text = value ?? ""
  if (Array.isArray(value) && !value.some((each) => typeof each === "object")) text = value.join("; ")
  else if (typeof text === "object") text = JSON.stringify(text)
  if (typeof text === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}` // spreadsheets would take it for a formula
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : String(text)
}

function asText({ caption, measure, rows }) {
  const lines = rows.map(({ name, id, shown, details }, place) => {
    const more = details.map(([label, value]) => (label ? `${label}: ${value}` : value))
    if (shown) more.unshift(`${measure}: ${shown}`)
    return `${place + 1}. ${name}${id ? ` (ID ${id})` : ""}${more.length > 0 ? ` – ${more.join(", ")}` : ""}`
  })
  return [caption, ...lines].join("\n")
}

async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const area = document.createElement("textarea") // browsers give no clipboard to pages without TLS
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand("copy")
  area.remove()
}

function download(text, name, type) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}

// As in Card: with a component of its own at each message, buttons would be made anew while they are being pressed.
const Lasting = (globalThis.recsysFollowUps ??= FollowUps)
export default <Lasting {...props} chat={{ callAction, sendUserMessage }} />
