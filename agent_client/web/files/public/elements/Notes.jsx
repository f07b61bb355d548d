// What the program has to say of an answer; props: notes (sentences).
import { useEffect } from "react"

export default function Notes() {
  useEffect(() => void window.dispatchEvent(new Event("resize")), []) // as in Listing
  return (
    <ul className="notes">
      {props.notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  )
}
